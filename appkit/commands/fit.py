"""``appkit fit``: learn a model from a table, or from images, on disk."""

import difflib
import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Annotated, Any

import typer

from appkit.commands.advising import TrainingEvents, cleaner_of, fit_recommender, refuse, training_events
from appkit.commands.console import tell
from appkit.commands.images import LABEL, reads_images
from appkit.commands.interactions import reads_interactions
from appkit.commands.roles import check_roles, label_written, names_in
from appkit.commands.series import check_sensors, reads_series
from appkit.commands.tables import check_columns, check_folder
from appkit.commands.training import TrainingData, read_training_data

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["fit"]

_PLAIN = {  # estimators that belong to no domain
    "table": ("TabularClassifier", "TabularRegressor", "SequenceClassifier", "SequenceRegressor"),
    "image": ("ImageClassifier",),
    "interactions": ("InteractionRecommender",),
}
_READ_BY = {"unit": "series", "time": "series", "image": "images", "patient": "images"}
_READ_BY |= dict.fromkeys(("user", "item", "value", "item_name", "model", "split", "filter_seen"), "interactions")
_TEST_SIZE = 0.2


def fit(
    domain: Annotated[
        str, typer.Argument(help="Domain, such as finance; table or image for an estimator that belongs to none.")
    ],
    file: Annotated[
        Path, typer.Argument(exists=True, help="Training table, .csv or .parquet; or a folder of images by class.")
    ],
    out: Annotated[Path, typer.Option(help="Where to save the model.")],
    target: Annotated[str | None, typer.Option(help="Column to learn; of a folder of images the sub-folder.")] = None,
    event: Annotated[str | None, typer.Option(help="Label whose probability is wanted, such as bad.")] = None,
    estimator: Annotated[str | None, typer.Option(help="Estimator of the domain; its first one otherwise.")] = None,
    unit: Annotated[str | None, typer.Option(help="Column that names the machine; rows are its readings.")] = None,
    time: Annotated[
        str | None, typer.Option(help="Column that orders the readings of a machine, or says when a user took an item.")
    ] = None,
    user: Annotated[str | None, typer.Option(help="Of interactions: column of users, such as customers.")] = None,
    item: Annotated[str | None, typer.Option(help="Of interactions: column of items.")] = None,
    value: Annotated[str | None, typer.Option(help="Of interactions: column of quantities, spend or ratings.")] = None,
    item_name: Annotated[str | None, typer.Option(help="Of interactions: column that names items to readers.")] = None,
    family: Annotated[
        str | None, typer.Option("--model", help="Of interactions: auto, or what to fit, such as als or popularity.")
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="Of interactions: what models are chosen by: auto, time, last or random.")
    ] = None,
    filter_seen: Annotated[
        bool | None,
        typer.Option("--filter-seen/--rebuy", help="Of interactions: advise new items only, or again what was taken."),
    ] = None,
    test_size: Annotated[
        float | None, typer.Option(help="Of interactions: share, the latest, to measure on first; 0.2 unless said.")
    ] = None,
    clean: Annotated[
        bool, typer.Option("--clean", help="Of transactions: leave out cancellations, returns and what has no user.")
    ] = False,
    price: Annotated[str | None, typer.Option(help="With --clean: column of unit prices.")] = None,
    invoice: Annotated[str | None, typer.Option(help="With --clean: column of invoice numbers.")] = None,
    not_product: Annotated[
        list[str] | None, typer.Option(help="With --clean: ids that are no items, as 'POST|FEE'. Repeatable.")
    ] = None,
    image: Annotated[str | None, typer.Option(help="Column of paths of images, below the table's folder.")] = None,
    patient: Annotated[
        str | None,
        typer.Option(
            help="Whose images are whose: a column; or, of a folder, a regular expression over paths with one group, "
            "or a .csv file with columns path and patient."
        ),
    ] = None,
    ignore: Annotated[list[str] | None, typer.Option(help="Column that is no feature or sensor. Repeatable.")] = None,
    protected: Annotated[list[str] | None, typer.Option(help="Column to keep out of the features. Repeatable.")] = None,
    group: Annotated[str | None, typer.Option(help="Column of groups (customers) never divided in fitting.")] = None,
    weight: Annotated[str | None, typer.Option(help="Column of row weights.")] = None,
    kind: Annotated[
        list[str] | None, typer.Option(help="COLUMN=KIND where it misleads: opened=time. Repeatable.")
    ] = None,
    param: Annotated[list[str] | None, typer.Option(help="NAME=VALUE of the estimator, JSON. Repeatable.")] = None,
    validation: Annotated[
        Path | None,
        typer.Option(
            "--validation", "--val", exists=True, help="Rows or images, as FILE, to stop and calibrate on; else a part."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Random state; equal seeds give equal models.")] = 0,
) -> None:
    """Fit a model to a table, to images, or to who took what, and save it.

    Of series, rows without a target are history. Of interactions, columns that nobody names are told by their names; a
    fit to the earlier events is measured on the latest ones beside simple rules, then the model is fitted to all.

    Examples:

      appkit datasets german_credit --out german.csv

      appkit fit finance german.csv --target credit_risk --event bad --out german.appkit

      appkit fit table sales.csv --target price --estimator TabularRegressor --param max_epochs=50 --out price.appkit

      appkit fit manufacturing sensors.csv --unit engine --time cycle --target rul --out model.appkit

      appkit fit medical scans/ --patient '(P\\d+)' --event malignant --out scans.appkit

      appkit fit medical scans.csv --image file --target finding --patient patient --out scans.appkit

      appkit fit retail orders.parquet --user CustomerID --item StockCode --time InvoiceDate --out shop.appkit

      appkit fit retail invoices.csv --clean --rebuy --out shop.appkit
    """
    from appkit.persistence import save

    check_folder(out)
    series = {"unit": unit, "time": time}
    events = {"user": user, "item": item, "time": time, "value": value, "item_name": item_name}
    of_cleaning: dict[str, Any] = {"price": price, "invoice": invoice, "not_product": not_product}
    how = {"model": family, "split": split, "filter_seen": filter_seen}
    known = _estimator(domain, estimator, columns=events | how | series | {"image": image, "patient": patient})
    if reads_interactions(known):
        refuse(known, target=target, event=event, ignore=ignore, protected=protected, group=group)
        refuse(known, weight=weight, kind=kind, validation=validation)
        taken = training_events(file, events, clean=cleaner_of(domain), cleaning=_cleaning(clean, **of_cleaning))
        parameters = _parameters(param, kinds=None, protected=None, columns=how) | {"random_state": seed}
        _fit_to_events(known, taken, parameters=parameters, test_size=test_size, out=out)
        return
    _check_only_of_tables(known, test_size=test_size, clean=clean, **of_cleaning)
    parameters = _parameters(param, kinds=kind, protected=protected, columns=series | events) | {"random_state": seed}
    texts = [column for column, its_kind in parameters.get("kinds", {}).items() if its_kind == "category"]
    read = partial(read_training_data, estimator=known, target=target, image=image, patient=patient, texts=texts)
    data = read(file)
    aside = {"target": data.target, "group": group, "weight": weight, "ignore": ignore}
    check_roles(aside, {**series, **data.parameters})
    check_columns(data.table, [*names_in(aside), unit, time, *(protected or ())], path=file)
    held_out = None if validation is None else read(validation)
    if event is not None:
        parameters["event"] = label_written(event, data.y)
    model = _make(known, parameters | data.parameters)
    X = data.without(names_in(aside))
    check_sensors(model, X, path=file)
    tell(f"Fitting {known.__name__} to {_size(model, X, data.y)} of {data.name}.")
    started = monotonic()
    given = {} if held_out is None else _held_out(held_out, aside=names_in(aside), weight=weight)
    model.fit(X, data.y, groups=data.column(group), sample_weight=data.column(weight), **given)
    notes = data.notes() | {"columns": aside}
    save(model, out, notes=notes if held_out is None else notes | {"validation": held_out.notes()})
    tell(f"Saved {out} after {monotonic() - started:.0f} s. Next: {_next(out, data, patient)}")


def _fit_to_events(
    known: type, data: TrainingEvents, *, parameters: dict[str, Any], test_size: float | None, out: Path
) -> None:
    """Fit a recommender, measured on the latest events first, and save it with what came out."""
    from appkit.persistence import save

    share = _TEST_SIZE if test_size is None else test_size
    if not 0 <= share < 1:
        raise typer.BadParameter(f"--test-size must be a share from 0 to below 1, got {share!r}.")
    named = {name: column for name, column in asdict(data.columns).items() if column is not None}
    model = _make(known, named | parameters)
    measured = fit_recommender(model, data, share=share, seed=parameters["random_state"])
    save(model, out, notes=data.notes() | measured)
    tell(f"Saved {out}. Next: {shlex.join(['appkit', 'predict', str(out), '--out', 'advice.csv'])}")


def _cleaning(clean: bool, **options: Any) -> dict[str, Any] | None:
    """Return the options of cleaning; ``None`` where the table is taken as it is."""
    if clean:
        return options
    for option, given in options.items():
        if given:
            raise typer.BadParameter(f"--{option.replace('_', '-')} goes with --clean. Add it, or leave this out.")
    return None


def _check_only_of_tables(known: type, **options: Any) -> None:
    for option, given in options.items():
        if given:
            raise ValueError(f"{known.__name__} is no recommender and takes no --{option.replace('_', '-')}.")


def _estimator(domain: str, name: str | None, *, columns: Mapping[str, Any]) -> type:
    known = _estimators(domain)
    if name is not None and name not in known:
        raise typer.BadParameter(f"--estimator must be one of {', '.join(known)}, got {name!r}.")
    chosen = known[name or next(iter(known))]
    for option, column in columns.items():
        if column is not None and option not in _parameter_names(chosen):
            able = [other for other, estimator in known.items() if option in _parameter_names(estimator)]
            advice = f" Name one that does with --estimator: {', '.join(able)}." if able else ""
            given = option.replace("_", "-").replace("filter-seen", "filter-seen or --rebuy")
            raise ValueError(f"{chosen.__name__} reads no {_READ_BY[option]} and takes no --{given}.{advice}")
    return chosen


def _parameter_names(estimator: type) -> set[str]:
    return set(estimator().get_params())


def _estimators(domain: str) -> Mapping[str, type]:
    import appkit.model
    from appkit.domain import discover_domains

    plain = {name: {each: getattr(appkit.model, each) for each in names} for name, names in _PLAIN.items()}
    known = {name: found.estimators for name, found in discover_domains().items()} | plain
    if domain not in known:
        raise typer.BadParameter(f"DOMAIN must be one of {', '.join(known)}, got {domain!r}.")
    return known[domain]


def _parameters(
    texts: Sequence[str] | None,
    *,
    kinds: Sequence[str] | None,
    protected: Sequence[str] | None,
    columns: Mapping[str, Any],
) -> dict[str, Any]:
    parameters: dict[str, Any] = {name: _value(text) for name, text in (_pair(t, "--param") for t in texts or ())}
    if kinds:
        parameters["kinds"] = dict(_pair(text, "--kind") for text in kinds)
    if protected:
        parameters["protected"] = list(protected)
    return parameters | {name: column for name, column in columns.items() if column is not None}


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
    if reads_images(model):
        patients = f" of {X[model.patient].nunique():,} patients" if model.patient is not None else ""
        return f"{len(X):,} images{patients}"
    if not reads_series(model):
        return f"{len(X):,} rows and {X.shape[1]} columns"
    units = f" of {X[model.unit].nunique():,} units" if model.unit in X else ""
    history = f" ({y.isna().sum():,} without {y.name}: history alone)" if y.isna().any() else ""
    return f"{len(X):,} rows{units}{history}"


def _held_out(data: TrainingData, *, aside: Sequence[str], weight: str | None) -> dict[str, Any]:
    """Return rows to stop and calibrate on, as ``fit`` takes them."""
    check_columns(data.table, [weight], path=data.source)
    return {"X_val": data.without(aside), "y_val": data.y, "sample_weight_val": data.column(weight)}


def _next(out: Path, data: TrainingData, patient: str | None) -> str:
    """Return the command that reports on the model, for test data that come as the training data did."""
    words = ["appkit", "report", str(out), "FOLDER" if data.source.is_dir() else "FILE"]
    if not data.source.is_dir() or data.target != LABEL:
        words += ["--target", data.target]
    if patient is not None:
        words += ["--patient", patient]
    return shlex.join([*words, "--out", "report.html"])
