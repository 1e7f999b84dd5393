"""The fleet at its newest readings: machines ranked by risk, with interval and what drives each of them."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from appkit.data.windows import Windows
from appkit.explanation import Explanation, permutation_shapley
from appkit.explanation.solvers.permutation import MIN_PAIRS
from appkit.reporting import DomainSection, ReportContext
from appkit.reporting.content.phrasing import Words, capital, first_that_fits
from appkit.reporting.content.valuing import value_words
from appkit.reporting.facts import Axis, Bar, BarRows, DataTable, Measure, NotFilled
from appkit.reporting.numbers import count_text, effect_text, long_text, value_text
from domains.manufacturing.explanation import SensorEffects, sensor_effects
from domains.manufacturing.report.modes import fleet_modes
from domains.manufacturing.report.record import LEVEL, Record, time_unit
from domains.manufacturing.report.sensor_words import reading_text
from domains.manufacturing.report.usual import LATE_STEPS, late_readings, usual_readings

__all__ = ["Fleet", "fleet_finding", "fleet_section", "newest_of_fleet"]

MOST_MACHINES = 20
EVALUATIONS = 3_000  # of the model, per machine shown; machines not shown cost nothing
_DRIVERS = 3
_FAILED = "failed at this reading"


@dataclass(frozen=True, eq=False)
class Fleet:
    """Machines at their newest readings, the riskiest first; those known to have failed come last.

    Parameters
    ----------
    units
        Positions in ``series.units`` of all machines, int64 ``(n_machines,)``.
    output
        Of all machines, float64 ``(n_machines,)``.
    interval
        float64 ``(n_machines, 2)``; ``None`` where there is none.
    has_failed
        Whether a machine is known to have failed at its newest reading, bool ``(n_machines,)``.
    shown
        Windows of the machines shown, as rows of the report's table.
    explanation, effects
        Of the machines shown, by whole sensors.
    """

    units: np.ndarray
    output: np.ndarray
    interval: np.ndarray | None
    has_failed: np.ndarray
    shown: pd.DataFrame
    explanation: Explanation
    effects: SensorEffects

    @property
    def n_shown(self) -> int:
        """Machines shown."""
        return len(self.shown)


def newest_of_fleet(context: ReportContext, record: Record) -> Fleet:
    """Rank all machines by their newest reading, labelled or not, and explain the first of them."""
    series = record.series
    output = record.output[series.last_rows]
    interval = None if record.interval is None else record.interval[series.last_rows]
    risk = output if context.subject.is_probability else -output
    second = np.zeros(len(risk)) if interval is None else interval[:, 0]
    has_failed = _failed_now(record)
    order = np.lexsort((second, -risk, has_failed))
    first = order[:MOST_MACHINES]
    shown = record.subject.rows_at(series.last_rows[first])
    game = record.subject.game(shown, context.background.rows)
    pairs_cost = max(1, 2 * (len(game.player_names) - 1))
    budget = max(EVALUATIONS, MIN_PAIRS * pairs_cost + 1 + game.n_members)
    explanation = permutation_shapley(game, max_evaluations=budget, random_state=context.random_state)
    return Fleet(
        units=order,
        output=output[order],
        interval=None if interval is None else interval[order],
        has_failed=has_failed[order],
        shown=shown,
        explanation=explanation,
        effects=sensor_effects(explanation),
    )


def fleet_section(context: ReportContext, record: Record, fleet: Fleet) -> DomainSection:
    """Return the ranking, the drivers of each machine shown, and the failure modes they point to."""
    words = context.words
    machines = [_name(record, fleet, place) for place in range(fleet.n_shown)]
    return DomainSection(
        key="fleet",
        title="Fleet",
        question=f"Which {words['group']} needs attention first, and what says so?",
        blocks=(
            _ranking(context, record, fleet),
            _drivers(context, record, fleet),
            *fleet_modes(context, fleet.explanation, machines=machines),
        ),
        after="performance",
    )


def _ranking(context: ReportContext, record: Record, fleet: Fleet) -> BarRows:
    words, n = context.words, len(fleet.units)
    bars = tuple(
        Bar(_name(record, fleet, place), _measure(context, fleet, place), _moment(record, fleet, place))
        for place in range(fleet.n_shown)
    )
    life = f"Remaining life at each {words['group']}’s newest reading, least first"
    risk = f"Predicted probability of {words['event']} at each {words['group']}’s newest reading, highest first"
    return BarRows(
        key="fleet-ranking",
        finding=fleet_finding(bars[: int((~fleet.has_failed[: fleet.n_shown]).sum())] or bars, words=words),
        caption=f"{risk if context.subject.is_probability else life}. {_interval_words(context, fleet)}"
        f"{_failed_words(context, fleet)}{_left_out(context, fleet)}",
        axis=Axis(
            f"probability of {words['event']} (%)" if context.subject.is_probability else value_words(context),
            _unit(context),
        ),
        bars=bars,
        n_total=n,
        how_to_read=_reading(context, fleet),
        twin=_twin(context, bars),
    )


def fleet_finding(bars: tuple[Bar, ...], *, words: Words) -> str:
    """Return who comes first, and how many others could, by the intervals where there are any.

    Examples
    --------
    >>> words = Words({"group": "pump", "event": "failure"})
    >>> bars = (Bar("Pump 3", Measure(4.0, 0.0, 9.0, unit="hours")), Bar("Pump 1", Measure(31.0, 22.0, 40.0)))
    >>> fleet_finding(bars, words=words)
    'Pump 3 has the least life left, 4.0 hours (0.0 to 9.0)'
    >>> bars = (*bars[:1], Bar("Pump 7", Measure(12.0, 6.0, 20.0)))
    >>> fleet_finding(bars, words=words)
    'Pump 3 ranks first at 4.0 hours; any of 2 pumps may fail next'
    >>> fleet_finding((Bar("Pump 3", Measure(0.63, unit="%", decimals=0)),), words=words)
    'Pump 3 has the highest predicted probability of failure, 63\u202f%'
    """
    first = bars[0]
    if first.measure.unit == "%":
        top = f"has the highest predicted probability of {words['event']}, {value_text(first.measure)}"
        return first_that_fits(f"{first.label} {top}", f"The first of {len(bars)} {words['groups']} {top}")
    if first.measure.high is None:
        top = f"has the least life left as predicted, {value_text(first.measure)}"
        return first_that_fits(f"{first.label} {top}", f"The first of {len(bars)} {words['groups']} {top}")
    rivals = sum(1 for bar in bars if bar.measure.low is not None and bar.measure.low <= first.measure.high)
    if rivals == 1:
        shown = f"has the least life left, {long_text(first.measure)}"
        return first_that_fits(f"{first.label} {shown}", f"One {words['group']} {shown}")
    many = f"any of {rivals} {words['groups']}" if rivals == len(bars) else f"{rivals} {words['groups']}"
    return first_that_fits(
        f"{first.label} ranks first at {value_text(first.measure)}; {many} may fail next",
        f"{capital(many)} may fail next",
    )


def _drivers(context: ReportContext, record: Record, fleet: Fleet) -> DataTable:
    words = context.words
    n_times = context.model.layout_.n_times
    windows = Windows(record.series, _ends(record, fleet), n_times)
    late, usual = late_readings(context, windows), usual_readings(context, windows)
    sentences = [_driver_texts(context, fleet, row, late=late[row], usual=usual[row]) for row in range(fleet.n_shown)]
    n_silent = sum(1 for found in sentences if not found)
    spent = fleet.explanation.n_evaluations
    at_conditions = " under the same operating conditions" if context.model.conditions else ""
    return DataTable(
        title=_drivers_title(fleet, n_silent, groups=words["groups"]),
        caption=f"The three strongest effects on the prediction whose sign is settled, ± two standard errors. Readings "
        f"are means over the last {min(LATE_STEPS, n_times)} {words['steps']}; usual is what "
        f"{words['usual'] or 'background windows'} show{at_conditions}. {count_text(spent)} evaluations of the model a "
        f"{words['group']}",
        columns=(capital(words["group"]), "First driver", "Second driver", "Third driver"),
        rows=tuple(
            (
                _name(record, fleet, row).replace(" ", "\u00a0"),
                *(found + ["no other settled effect"] * _DRIVERS)[:_DRIVERS],
            )
            for row, found in enumerate(sentences)
        ),
        how_to_read="“Takes” brings failure nearer than usual, “adds” moves it away. "
        "Where two effects differ by less than their ±, their order may be chance."
        if not context.subject.is_probability
        else "“Adds” makes failure more likely than usual, “takes” less. "
        "Where two effects differ by less than their ±, their order may be chance.",
    )


def _driver_texts(context: ReportContext, fleet: Fleet, row: int, *, late: np.ndarray, usual: np.ndarray) -> list[str]:
    """Return the strongest settled effects of one machine in words, at most three."""
    effects, errors = fleet.effects.values[row], fleet.effects.standard_error[row]
    order = np.argsort(-np.abs(effects), kind="stable")
    settled = [int(i) for i in order if fleet.effects.is_settled[row, i]][:_DRIVERS]
    texts = []
    for i in settled:
        name = fleet.effects.sensors[i]
        unit = time_unit(context) if i == _age_place(context) else None
        shown = reading_text(name, float(late[i]), float(usual[i]), unit=unit)
        texts.append(f"{shown} {_effect_words(context, float(effects[i]), float(errors[i]))}")
    return texts


def _effect_words(context: ReportContext, effect: float, error: float) -> str:
    unit = "points" if context.subject.is_probability else _unit(context)
    size, half_width = effect_text(abs(effect), error, unit=unit)
    return f"{'adds' if effect > 0 else 'takes'} {size.removeprefix('+')} {half_width} {unit}".strip()


def _drivers_title(fleet: Fleet, n_silent: int, *, groups: str) -> str:
    n = fleet.n_shown
    if n_silent == n:
        return f"No driver is settled for any of {n} {groups}"
    return f"Drivers are settled for {f'all {n}' if n_silent == 0 else f'{n - n_silent} of {n}'} {groups} shown"


def _interval_words(context: ReportContext, fleet: Fleet) -> str:
    if context.subject.is_probability:
        return "A probability states its own uncertainty and has no interval."
    if fleet.interval is None:
        return "No intervals: too few machines were held out in training."
    return (
        f"Whiskers: {round(100 * LEVEL)} % prediction intervals, for a new {context.words['group']} at any one moment."
    )


def _failed_words(context: ReportContext, fleet: Fleet) -> str:
    n, words = int(fleet.has_failed.sum()), context.words
    if not n or n == len(fleet.units):
        return ""
    return f" {count_text(n)} {words['groups'] if n > 1 else words['group']} known to have failed stand last."


def _left_out(context: ReportContext, fleet: Fleet) -> str:
    n_rest = len(fleet.units) - fleet.n_shown
    if not n_rest:
        return ""
    words, rest = context.words, fleet.output[fleet.n_shown :]
    extreme = _measure(
        context, fleet, fleet.n_shown + int(rest.argmax() if context.subject.is_probability else rest.argmin())
    )
    shown = value_text(extreme)
    bound = f"at most {shown}" if context.subject.is_probability else f"{shown} or more"
    return f" Not shown: {count_text(n_rest)} of {count_text(len(fleet.units))} {words['groups']}, {bound} predicted."


def _reading(context: ReportContext, fleet: Fleet) -> str:
    if fleet.interval is None:
        return "A bar is the prediction at the newest reading. Read the drivers below before acting on it."
    return (
        f"A bar is the prediction, its whisker where the true remaining life lies in {round(10 * LEVEL)} of 10 cases. "
        "Where two whiskers overlap, either may fail first."
    )


def _twin(context: ReportContext, bars: tuple[Bar, ...]) -> DataTable:
    heading = f"Probability of {context.words['event']}" if context.subject.is_probability else "Life left"
    unit = f" ({_unit(context)})" if _unit(context) not in ("", "%") else ""
    has_interval = bars[0].measure.low is not None
    level = f", {round(100 * LEVEL)} % prediction interval below each value" if has_interval else ""
    return DataTable(
        caption=f"{capital(context.words['groups'])} by risk{level}",
        columns=(capital(context.words["group"]), "Newest reading", f"{heading}{unit}"),
        rows=tuple((bar.label, bar.note, bar.measure) for bar in bars),
    )


def _measure(context: ReportContext, fleet: Fleet, place: int) -> Measure:
    value = float(fleet.output[place])
    if context.subject.is_probability:
        return Measure(value, unit="%", decimals=1 if value < 0.0995 or value > 0.9905 else 0)
    if fleet.interval is None:
        return Measure(value, unit=_unit(context), decimals=0 if abs(value) >= 10 else 1)
    low, high = (float(end) for end in fleet.interval[place])
    return Measure(value, low, high, unit=_unit(context), decimals=0 if high >= 10 else 1)


def _name(record: Record, fleet: Fleet, place: int) -> str:
    return capital(f"{record.series.words[0]} {record.series.units[fleet.units[place]]}")


def _moment(record: Record, fleet: Fleet, place: int) -> str:
    """Return when the newest reading was taken, and whether the machine is known to have failed then."""
    series, unit = record.series, int(fleet.units[place])
    name = series.row_names([int(series.last_rows[unit])])[0]
    moment = name.rsplit(", ", 1)[-1]
    return f"{moment}, {_FAILED}" if fleet.has_failed[place] else moment


def _failed_now(record: Record) -> np.ndarray:
    """Return which units are known to have failed at their newest reading, bool ``(n_units,)``."""
    lives = record.lives
    if isinstance(lives, NotFilled) or record.subject.is_probability:
        return np.zeros(record.series.n_units, dtype=bool)
    last = record.series.time[record.series.last_rows]
    return np.asarray(np.abs(lives.ends - last) <= 1e-9 * np.maximum(1.0, np.abs(last)))


def _ends(record: Record, fleet: Fleet) -> np.ndarray:
    return record.series.last_rows[fleet.units[: fleet.n_shown]]


def _age_place(context: ReportContext) -> int | None:
    layout = context.model.layout_
    return None if layout.age is None else len(layout.sensors) - 1


def _unit(context: ReportContext) -> str:
    return "%" if context.subject.is_probability else context.words["unit"]
