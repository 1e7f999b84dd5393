"""The layout counts its channels, the one for real steps included."""

from appkit.data.series_layout import SeriesLayout


def test_every_channel_is_counted():
    layout = SeriesLayout(30, ("heat", "load", "age"), (0, 1, 1, 2, -1), readings=(0, 1), indicators=(2,), age=3)
    assert layout.n_channels == 5
