"""``appkit fit``: learn a model from a table on disk."""

import difflib
import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from appkit.commands.console import tell
from appkit.commands.tables import check_columns, check_folder, read_table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["fit"]

_PLAIN_DOMAIN = "table"  # estimators that belong to no domain


def fit(
    domain: Annotated[str, typer.Argument(help="Domain, such as finance; table for one that belongs to none.")],
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="Training table, .csv or .parquet.")],
    target: Annotated[str, typer.Option(help="Column to learn.")],
    out: Annotated[Path, typer.Option(help="Where to save the model.")],
    event: Annotated[str | None, typer.Option(help="Label whose probability is wanted, such as bad.")] = None,
    estimator: Annotated[str | None, typer.Option(help="Estimator of the domain; its first one otherwise.")] = None,
    protected: Annotated[list[str] | None, typer.Option(help="Column to keep out of the features. Repeatable.")] = None,
    group: Annotated[str | None, typer.Option(help="Column of groups (customers) never divided in fitting.")] = None,
    weight: Annotated[str | None, typer.Option(help="Column of row weights.")] = None,
    kind: Annotated[
        list[str] | None, typer.Option(help="COLUMN=KIND where it misleads: opened=time. Repeatable.")
    ] = None,
    param: Annotated[list[str] | None, typer.Option(help="NAME=VALUE of the estimator, JSON. Repeatable.")] = None,
    seed: Annotated[int, typer.Option(help="Random state; equal seeds give equal models.")] = 0,
) -> None:
    """Fit a model to a table and save it.

    Examples:

      appkit datasets german_credit --out german.csv

      appkit fit finance german.csv --target credit_risk --event bad --out german.appkit

      appkit fit table sales.csv --target price --estimator TabularRegressor --param max_epochs=50 --out price.appkit
    """
    from appkit.persistence import save

    check_folder(out)
    known = _estimator(domain, estimator)
    parameters = _parameters(param, kinds=kind, protected=protected) | {"random_state": seed}
    texts = [column for column, its_kind in parameters.get("kinds", {}).items() if its_kind == "category"]
    table = read_table(file, texts=texts)
    check_columns(table, [target, group, weight, *(protected or ())], path=file)
    if event is not None:
        parameters["event"] = _label(table[target], event, target)
    model = _make(known, parameters)
    aside = {"target": target, "group": group, "weight": weight}
    X = table.drop(columns=[column for column in aside.values() if column is not None])
    tell(f"Fitting {known.__name__} to {len(X):,} rows and {X.shape[1]} columns of {file.name}.")
    started = time.monotonic()
    model.fit(X, table[target], groups=_column(table, group), sample_weight=_column(table, weight))
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    save(model, out, notes={"data": file.name, "sha256": digest, "columns": aside})
    tell(f"Saved {out} after {time.monotonic() - started:.0f} s. Next: appkit report {out} FILE --target {target}")


def _estimator(domain: str, name: str | None) -> type:
    known = _estimators(domain)
    if name is not None and name not in known:
        raise typer.BadParameter(f"--estimator must be one of {', '.join(known)}, got {name!r}.")
    return known[name or next(iter(known))]


def _estimators(domain: str) -> Mapping[str, type]:
    import appkit.model
    from appkit.domain import discover_domains

    plain = {name: getattr(appkit.model, name) for name in ("TabularClassifier", "TabularRegressor")}
    known = {name: found.estimators for name, found in discover_domains().items()} | {_PLAIN_DOMAIN: plain}
    if domain not in known:
        raise typer.BadParameter(f"DOMAIN must be one of {', '.join(known)}, got {domain!r}.")
    return known[domain]


def _parameters(
    texts: Sequence[str] | None, *, kinds: Sequence[str] | None, protected: Sequence[str] | None
) -> dict[str, Any]:
    parameters: dict[str, Any] = {name: _value(text) for name, text in (_pair(t, "--param") for t in texts or ())}
    if kinds:
        parameters["kinds"] = dict(_pair(text, "--kind") for text in kinds)
    if protected:
        parameters["protected"] = list(protected)
    return parameters


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


def _label(y: "pd.Series", text: str, target: str) -> Any:
    """Return the label that is written as ``text``, in the type it has in the table."""
    labels = {str(label): label for label in y.dropna().unique().tolist()}
    if not labels:
        raise ValueError(f"Column {target!r} must hold labels, got none in {len(y)} rows. Check the file.")
    if text not in labels:
        raise ValueError(
            f"--event must be one of the labels of {target!r}: {', '.join(list(labels)[:20])}; got {text!r}."
        )
    return labels[text]


def _column(table: "pd.DataFrame", name: str | None) -> "pd.Series | None":
    return None if name is None else table[name]
