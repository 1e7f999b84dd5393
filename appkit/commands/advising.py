"""What commands do with recommenders: fit and measure, write lists, say because of which purchases, report."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from appkit.commands.console import tell
from appkit.commands.interactions import Cleaning, EventColumns, find_columns, read_events, read_known
from appkit.commands.tables import check_columns

if TYPE_CHECKING:
    import pandas as pd

    from appkit.data import InteractionSplit
    from appkit.explanation import Explanation
    from appkit.reporting.advice.measured import AdviceMeasured

__all__ = [
    "TrainingEvents",
    "because_table",
    "cleaner_of",
    "explainable_advice",
    "fit_recommender",
    "later_events",
    "lists_of",
    "refuse",
    "training_events",
]

_K = 10


def refuse(model: Any, **options: Any) -> None:
    """Raise ``ValueError`` for the first of these options that was given: they are not for recommenders."""
    name = model.__name__ if isinstance(model, type) else type(model).__name__
    for option, given in options.items():
        if given:
            raise ValueError(f"{name} goes by who took what, and takes no --{option.replace('_', '-')}. Leave it out.")


def cleaner_of(domain: Any) -> Callable[..., Any] | None:
    """Return what a domain, by name or itself, cleans transactions with; ``None`` if it has nothing."""
    from appkit.domain import discover_domains

    found = discover_domains().get(domain) if isinstance(domain, str) else domain
    return None if found is None else found.clean


@dataclass(frozen=True, eq=False)
class TrainingEvents:
    """Events to learn from.

    Parameters
    ----------
    source
        File they come from.
    table
        All of it, cleaned if that was asked for.
    raw
        As the file has it.
    columns
        What holds what.
    cleaning
        How it was cleaned; ``None`` where it was not.
    clean
        What the domain cleans with.
    """

    source: Path
    table: "pd.DataFrame"
    raw: "pd.DataFrame"
    columns: EventColumns
    cleaning: Cleaning | None = None
    clean: Callable[..., Any] | None = None

    def split(self, share: float, *, seed: int) -> "InteractionSplit":
        """Return the latest share of events apart from the others, or without times a share of each user's.

        What came back after that moment was still sold before it: the earlier part is cleaned as it was known then.
        """
        from appkit.data import split_interactions

        own: dict[str, Any] = {"user": self.columns.user, "item": self.columns.item, "time": self.columns.time}
        by: Any = "random" if self.columns.time is None else "time"
        split = split_interactions(self.table, by=by, test_size=share, random_state=seed, **own)
        if self.cleaning is None or self.clean is None:
            return split
        known = self.cleaning.of(self.raw, self.columns, clean=self.clean, cut=split.cut)
        return split_interactions(known, at=split.cut, **own)

    def notes(self) -> dict[str, Any]:
        """Return where the events come from, the SHA-256 of the file, and what was read of it."""
        notes: dict[str, Any] = {
            "data": self.source.absolute().name,
            "sha256": hashlib.sha256(self.source.read_bytes()).hexdigest(),
            "columns": asdict(self.columns),
        }
        return notes if self.cleaning is None else notes | {"cleaning": self.cleaning.notes()}


def training_events(
    source: Path,
    named: Mapping[str, str | None],
    *,
    clean: Callable[..., Any] | None,
    cleaning: Mapping[str, Any] | None,
) -> TrainingEvents:
    """Return the events in a file.

    Parameters
    ----------
    source
        Table, a row per event.
    named
        Column by role (``user``, ``item``, ``time``, ``value``, ``item_name``); ``None`` where nobody named one.
    clean
        What the domain cleans transactions with; ``None`` if it has nothing.
    cleaning
        Options of cleaning: ``price``, ``invoice``, ``not_product``; ``None``: the table is not cleaned.
    """
    table = read_events(source, [name for name in (named["user"], named["item"]) if name is not None])
    needed = ["user", "item"] if cleaning is None else ["user", "item", "time", "value"]
    guessable = {role: name for role, name in named.items() if name is not None or role in (*needed, "time")}
    if cleaning is not None:
        guessable |= {role: cleaning[role] for role in ("price", "invoice")}
    found = find_columns(table, guessable, path=source, needed=needed)
    if not {found["user"], found["item"]} <= {named["user"], named["item"]}:  # guessed: ids may have lost their zeros
        table = read_events(source, [found["user"], found["item"]])
    columns = EventColumns(**{role: found.get(role) for role in named})  # type: ignore[arg-type]  # users and items are there
    if cleaning is None:
        return TrainingEvents(source, table, table, columns, clean=clean)
    if clean is None:
        raise ValueError("--clean is for a domain that knows raw transactions, such as retail: appkit fit retail ...")
    rules = Cleaning(
        value=found["value"],
        price=found.get("price"),
        invoice=found.get("invoice"),
        not_products=tuple(cleaning["not_product"] or ()),
    )
    return TrainingEvents(source, rules.of(table, columns, clean=clean), table, columns, rules, clean)


def fit_recommender(model: Any, data: TrainingEvents, *, share: float, seed: int) -> dict[str, Any]:
    """Fit the model on all events, and return notes on what a fit to the earlier ones was worth.

    Parameters
    ----------
    model
        Not fitted.
    data
        Events.
    share
        Of the events, the latest, on which a model fitted to the others is measured; 0 measures nothing.
    seed
        Of a split without times, and of intervals.
    """
    from sklearn.base import clone

    notes: dict[str, Any] = {}
    _check_events(data)
    if share:
        split = data.split(share, seed=seed)
        tell(f"Fitting {type(model).__name__} to {_size(split.train, data.columns)}, the others are held out.")
        earlier = clone(model).fit(split.train)
        tell(f"Chosen: {earlier.model_}.")
        notes = _measured(earlier, split, seed=seed)
        model.set_params(**earlier.chosen_)  # what was measured is what is saved
    tell(f"Fitting {type(model).__name__} to {_size(data.table, data.columns)}.")
    started = monotonic()
    model.fit(data.table)
    tell(f"Fitted after {monotonic() - started:.0f} s: {model.model_}.")
    return notes


def _check_events(data: TrainingEvents) -> None:
    """Raise the error of a table that cannot be read as events, with the option that may help."""
    from appkit.data.interactions import read_interactions
    from appkit.exceptions import SchemaError

    columns = {role: column for role, column in asdict(data.columns).items() if role != "item_name"}
    try:
        read_interactions(data.table, **columns)
    except SchemaError as error:
        if data.clean is None or data.cleaning is not None:
            raise
        help_ = "--clean leaves out cancellations, returns, and rows without a user, item or time."
        raise SchemaError([*error.problems, help_]) from error


def _size(table: "pd.DataFrame", columns: EventColumns) -> str:
    n_users, n_items = table[columns.user].nunique(), table[columns.item].nunique()
    return f"{len(table):,} events of {n_users:,} users with {n_items:,} items"


def _measured(model: Any, split: "InteractionSplit", *, seed: int) -> dict[str, Any]:
    """Tell what advice was worth by the events held out, beside simple rules, and return it as notes."""
    from appkit.reporting.advice.measured import MODEL, measure_advice
    from appkit.reporting.advice.performance import comparison_finding

    found = measure_advice(model, split.test, k=_K, random_state=seed)
    seen = "without items already taken" if model.filter_seen else "items already taken included"
    tell(f"Held out: {split.label}; lists of {_K}, {seen}, every item competing; 95 % intervals.")
    figures = {
        name: [result.estimates[measure] for measure in ("ndcg", "recall")] for name, result in found.results.items()
    }
    for name, estimates in figures.items():
        tell(f"  {name}: {', '.join(map(str, estimates))}")
    best, lead = _best_rule(found)
    tell(f"{comparison_finding(best, lead)}: NDCG@{_K} {lead.value:+.3f} ({lead.low:+.3f} to {lead.high:+.3f}).")
    by_name = {
        name: {each.name: [each.value, each.low, each.high] for each in estimates}
        for name, estimates in figures.items()
    }
    by_name[type(model).__name__] = by_name.pop(MODEL)
    measured = {"held_out": split.label, "is_optimistic": split.is_optimistic, "filter_seen": model.filter_seen}
    return {"measured": measured | {"results": by_name}}


def _best_rule(found: "AdviceMeasured") -> Any:
    """Return the best of the simple rules, and the model's lead over it."""
    by_name = {name: measures["ndcg"].estimate for name, measures in found.comparison.differences.items()}
    best = max(by_name, key=lambda name: by_name[name].value)
    other = by_name[best]  # rule minus model
    return best, replace(other, value=-other.value, low=-other.high, high=-other.low)


def lists_of(
    model: Any, file: Path | None, *, k: int, filter_seen: bool | None, history: Path | None
) -> "pd.DataFrame":
    """Return lists of advice: ``user``, ``item``, ``rank``, ``score``, ``basis``, and the item's ``name`` if known.

    Parameters
    ----------
    model
        Fitted recommender.
    file
        Table with a column of users; ``None``: all users.
    k
        Length of a list.
    filter_seen
        Whether to leave out items already taken; ``None``: as at fit.
    history
        Events to advise by instead of those of the fit.
    """
    users = None if file is None else read_known(file, model)[model.user].tolist()
    newer = None if history is None else later_events(model, history)
    lists = model.recommend(users, k, filter_seen=filter_seen, interactions=newer)
    return _named(lists, model, item="item", name="name")


def later_events(
    model: Any, file: Path, *, notes: Any = None, clean: Callable[..., Any] | None = None
) -> "pd.DataFrame":
    """Return a table of events as a model knows them, cleaned as those of its fit were."""
    table = read_known(file, model)
    check_columns(table, [model.item, model.time], path=file)
    cleaning = Cleaning.of_notes(notes)
    if cleaning is None or clean is None:
        return table
    columns = EventColumns(user=model.user, item=model.item, time=model.time)
    check_columns(table, [cleaning.value, cleaning.price, cleaning.invoice], path=file)
    return cleaning.of(table, columns, clean=clean)


def explainable_advice(model: Any, file: Path) -> "pd.DataFrame":
    """Return users and the items advised to them, without those who were advised what is popular: they have no past.

    Raises
    ------
    ValueError
        If nobody is left.
    """
    advice = read_known(file, model)
    if "basis" not in advice:
        return advice
    has_past = advice["basis"] == "history"
    if not has_past.any():
        raise ValueError(f"{file} must hold advice based on a history, and has none: nothing bought explains it.")
    if not has_past.all():
        tell(f"Left out: {(~has_past).sum():,} items advised to users without a history: nothing bought explains them.")
    return advice[has_past].reset_index(drop=True)


def because_table(model: Any, explanation: "Explanation") -> "pd.DataFrame":
    """Return a line for each past purchase behind each advice, those that hold it most first.

    Columns: ``user``, ``item`` (advised), ``rank``, ``because`` (bought), ``n_purchases``, ``value`` (what it adds to
    the margin over the item that is next after the list), ``standard_error``; with names of items where there are any.
    """
    import numpy as np
    import pandas as pd

    from appkit.explanation.layouts import HistoryLayout

    layout = explanation.layout
    assert isinstance(layout, HistoryLayout)
    assert layout.advice is not None
    assert layout.ids is not None
    assert layout.counts is not None
    row, player = np.nonzero(layout.counts > 0)
    lines = pd.DataFrame(
        {
            "user": layout.advice.users[row],
            "item": layout.advice.items[row],
            "rank": layout.advice.ranks[row],
            "because": layout.ids[row, player],
            "n_purchases": layout.counts[row, player],
            "value": explanation.values[row, player, 0],
            "standard_error": explanation.standard_error[row, player, 0],
        }
    )
    lines = lines.iloc[np.lexsort((-lines["value"], row))].reset_index(drop=True).infer_objects()
    return _named(_named(lines, model, item="item", name="name"), model, item="because", name="because_name")


def _named(lines: "pd.DataFrame", model: Any, *, item: str, name: str) -> "pd.DataFrame":
    """Return lines with the name of an item beside its id, where the model knows names."""
    if model.item_names_ is None:
        return lines
    names = model.item_names_[model.items_.codes(lines[item])]
    columns = list(lines.columns)
    columns.insert(columns.index(item) + 1, name)
    return lines.assign(**{name: names})[columns]
