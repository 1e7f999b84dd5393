"""``appkit fit``: learn a model from a table on disk."""

import difflib
import hashlib
import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Annotated, Any

import typer

from appkit.commands.console import tell
from appkit.commands.roles import check_roles, check_target, label_written, names_in
from appkit.commands.series import check_sensors, reads_series
from appkit.commands.tables import check_columns, check_folder, read_table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["fit"]

_PLAIN_DOMAIN = "table"  # estimators that belong to no domain
_PLAIN = ("TabularClassifier", "TabularRegressor", "SequenceClassifier", "SequenceRegressor")


def fit(
    domain: Annotated[str, typer.Argument(help="Domain, such as finance; table for one that belongs to none.")],
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="Training table, .csv or .parquet.")],
    target: Annotated[str, typer.Option(help="Column to learn.")],
    out: Annotated[Path, typer.Option(help="Where to save the model.")],
    event: Annotated[str | None, typer.Option(help="Label whose probability is wanted, such as bad.")] = None,
    estimator: Annotated[str | None, typer.Option(help="Estimator of the domain; its first one otherwise.")] = None,
    unit: Annotated[str | None, typer.Option(help="Column that names the machine; rows are its readings.")] = None,
    time: Annotated[str | None, typer.Option(help="Column that orders the readings of a machine.")] = None,
    ignore: Annotated[list[str] | None, typer.Option(help="Column that is no feature or sensor. Repeatable.")] = None,
    protected: Annotated[list[str] | None, typer.Option(help="Column to keep out of the features. Repeatable.")] = None,
    group: Annotated[str | None, typer.Option(help="Column of groups (customers) never divided in fitting.")] = None,
    weight: Annotated[str | None, typer.Option(help="Column of row weights.")] = None,
    kind: Annotated[
        list[str] | None, typer.Option(help="COLUMN=KIND where it misleads: opened=time. Repeatable.")
    ] = None,
    param: Annotated[list[str] | None, typer.Option(help="NAME=VALUE of the estimator, JSON. Repeatable.")] = None,
    seed: Annotated[int, typer.Option(help="Random state; equal seeds give equal models.")] = 0,
) -> None:
    """Fit a model to a table and save it. Of series, rows without a target are history.

    Examples:

      appkit datasets german_credit --out german.csv

      appkit fit finance german.csv --target credit_risk --event bad --out german.appkit

      appkit fit table sales.csv --target price --estimator TabularRegressor --param max_epochs=50 --out price.appkit

      appkit fit manufacturing sensors.csv --unit engine --time cycle --target rul --out model.appkit
    """
    from appkit.persistence import save

    check_folder(out)
    series = {"unit": unit, "time": time}
    known = _estimator(domain, estimator, series=series)
    parameters = _parameters(param, kinds=kind, protected=protected, series=series) | {"random_state": seed}
    texts = [column for column, its_kind in parameters.get("kinds", {}).items() if its_kind == "category"]
    table = read_table(file, texts=texts)
    aside = {"target": target, "group": group, "weight": weight, "ignore": ignore}
    check_roles(aside, series)
    check_columns(table, [*names_in(aside), unit, time, *(protected or ())], path=file)
    check_target(table[target], path=file)
    if event is not None:
        parameters["event"] = label_written(event, table[target])
    model = _make(known, parameters)
    X = table.drop(columns=list(names_in(aside)))
    check_sensors(model, X, path=file)
    tell(f"Fitting {known.__name__} to {_size(model, X, table[target])} of {file.name}.")
    started = monotonic()
    model.fit(X, table[target], groups=_column(table, group), sample_weight=_column(table, weight))
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    save(model, out, notes={"data": file.name, "sha256": digest, "columns": aside})
    then = f"appkit report {shlex.quote(str(out))} FILE --target {shlex.quote(target)}"
    tell(f"Saved {out} after {monotonic() - started:.0f} s. Next: {then}")


def _estimator(domain: str, name: str | None, *, series: Mapping[str, str | None]) -> type:
    known = _estimators(domain)
    if name is not None and name not in known:
        raise typer.BadParameter(f"--estimator must be one of {', '.join(known)}, got {name!r}.")
    chosen = known[name or next(iter(known))]
    for option, column in series.items():
        if column is not None and option not in _parameter_names(chosen):
            able = [other for other, estimator in known.items() if option in _parameter_names(estimator)]
            advice = f" Name one that does with --estimator: {', '.join(able)}." if able else ""
            raise ValueError(f"{chosen.__name__} reads no series and takes no --{option}.{advice}")
    return chosen


def _parameter_names(estimator: type) -> set[str]:
    return set(estimator().get_params())


def _estimators(domain: str) -> Mapping[str, type]:
    import appkit.model
    from appkit.domain import discover_domains

    plain = {name: getattr(appkit.model, name) for name in _PLAIN}
    known = {name: found.estimators for name, found in discover_domains().items()} | {_PLAIN_DOMAIN: plain}
    if domain not in known:
        raise typer.BadParameter(f"DOMAIN must be one of {', '.join(known)}, got {domain!r}.")
    return known[domain]


def _parameters(
    texts: Sequence[str] | None,
    *,
    kinds: Sequence[str] | None,
    protected: Sequence[str] | None,
    series: Mapping[str, str | None],
) -> dict[str, Any]:
    parameters: dict[str, Any] = {name: _value(text) for name, text in (_pair(t, "--param") for t in texts or ())}
    if kinds:
        parameters["kinds"] = dict(_pair(text, "--kind") for text in kinds)
    if protected:
        parameters["protected"] = list(protected)
    return parameters | {name: column for name, column in series.items() if column is not None}


def _pair(text: str, option: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not (name and separator):
        raise typer.BadParameter(f"{option} must be NAME=VALUE, got {text!r}.")
    return name, value


def _value(text: str) -> Any:
    """Return what ``text`` means as JSON, or itself: ``50``, ``true``, ``[1,2]``, ``mlp``."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _make(estimator: type, parameters: dict[str, Any]) -> Any:
    from appkit.model import Costs

    known = estimator().get_params()
    for name in parameters:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f" Is it {close[0]!r}?" if close else ""
            raise ValueError(f"{estimator.__name__} has no parameter {name!r}.{hint}")
    if isinstance(parameters.get("costs"), dict):
        parameters = parameters | {"costs": Costs(**parameters["costs"])}
    return estimator(**parameters)


def _size(model: Any, X: "pd.DataFrame", y: "pd.Series") -> str:
    """Say how much is learnt from; of series also how many units, and how many rows are history alone."""
    if not reads_series(model):
        return f"{len(X):,} rows and {X.shape[1]} columns"
    units = f" of {X[model.unit].nunique():,} units" if model.unit in X else ""
    history = f" ({y.isna().sum():,} without {y.name}: history alone)" if y.isna().any() else ""
    return f"{len(X):,} rows{units}{history}"


def _column(table: "pd.DataFrame", name: str | None) -> "pd.Series | None":
    return None if name is None else table[name]
