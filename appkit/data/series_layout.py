"""What a network is told about the channels of an encoded series."""

from dataclasses import dataclass

__all__ = ["SeriesLayout"]


@dataclass(frozen=True)
class SeriesLayout:
    """Where a network finds what in a window, float32 ``(n_windows, n_times, n_channels)``.

    The last channel is always 1 at a real step and 0 at a padded one; padded steps are 0 in every channel.

    Parameters
    ----------
    n_times
        Steps of a window.
    sensors
        What explanations call the rows of players: the sensors in use, then the age where it is used.
    sensor_of
        Per channel the position in ``sensors`` of what it comes from; -1 for the last channel.
    readings
        Channels that are scaled readings.
    indicators
        Channels that are 1 where a reading was missing; only sensors with gaps in training have one.
    age
        Channel of the scaled age of the unit, which networks read at the last step only; ``None`` where not used.

    Examples
    --------
    >>> SeriesLayout(30, ("heat", "age"), (0, 0, 1, -1), readings=(0,), indicators=(1,), age=2).n_channels
    4
    """

    n_times: int
    sensors: tuple[str, ...]
    sensor_of: tuple[int, ...]
    readings: tuple[int, ...]
    indicators: tuple[int, ...]
    age: int | None

    @property
    def n_channels(self) -> int:
        """Number of channels, the last one included."""
        return len(self.sensor_of)
