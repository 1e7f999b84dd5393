"""From cached records to the tables a reader compares."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.results import Record
from benchmarks.statistics import LOWER_IS_BETTER, Difference, corrected_difference, mean_ranks

__all__ = ["ModelRow", "TableSummary", "current_records", "rank_models", "render", "render_ranks", "summarise"]

_TITLES = {
    "auc": "AUC",
    "average_precision": "AP",
    "f1": "F1",
    "macro_f1": "macro-F1",
    "log_loss": "log-loss",
    "brier": "Brier",
}


@dataclass(frozen=True)
class ModelRow:
    """One model on one table; times are the median over folds, scores the mean.

    ``headline_difference``, ``log_loss_difference`` and ``cost_ratio`` compare the reference with this model on the
    folds both ran: a positive AUC difference is in favour of the reference, a ratio below 1 means it is cheaper.
    """

    model: str
    n_folds: int
    means: Mapping[str, float]
    headline_spread: float
    fit_cpu: float
    fit_wall: float
    predict_cpu: float
    headline_difference: Difference | None
    log_loss_difference: Difference | None
    cost_ratio: float | None
    is_stale: bool


@dataclass(frozen=True)
class TableSummary:
    """All models on one table at one seed."""

    table: str
    seed: int
    headline: str
    reference: str
    rows: tuple[ModelRow, ...]
    absent: Mapping[str, str]  # model: why it was not run


def current_records(
    records: Iterable[Record], *, data_hash: str, seed: int, n_folds: int, threads: int, fingerprints: Mapping[str, str]
) -> dict[str, list[Record]]:
    """Return the records of each model at its current fingerprint, else at the last one that was run.

    Earlier fingerprints are results of other versions, parameters or sources: never mixed in.
    """
    kept: dict[str, list[Record]] = {}
    for record in records:
        same_run = (record.data_hash, record.seed, record.n_folds, record.threads) == (
            data_hash,
            seed,
            n_folds,
            threads,
        )
        if same_run and record.model in fingerprints:
            kept.setdefault(record.model, []).append(record)
    return {model: _of_one_fingerprint(found, fingerprints[model]) for model, found in kept.items()}


def summarise(
    table: str,
    by_model: Mapping[str, Sequence[Record]],
    *,
    headline: str,
    seed: int,
    reference: str,
    fingerprints: Mapping[str, str],
    absent: Mapping[str, str],
) -> TableSummary:
    """Return the table's rows, each compared with ``reference`` fold by fold.

    Models that ran the most folds come first, best headline leading: means over other folds do not compare.
    """
    anchor = by_model.get(reference, ())
    rows = [
        _row(model, records, anchor, headline=headline, is_stale=records[0].fingerprint != fingerprints[model])
        for model, records in by_model.items()
    ]
    sign = 1 if headline in LOWER_IS_BETTER else -1
    rows.sort(key=lambda row: (-row.n_folds, sign * row.means[headline]))
    return TableSummary(table, seed, headline, reference, tuple(rows), absent)


def rank_models(summaries: Sequence[TableSummary]) -> dict[str, float]:
    """Return mean ranks by headline over the tables, of the models that ran as many folds as any on every table."""
    everywhere = set.intersection(*(_complete_models(summary) for summary in summaries))
    means = {s.table: {r.model: r.means[s.headline] for r in s.rows if r.model in everywhere} for s in summaries}
    return mean_ranks(means, lower_is_better={s.table: s.headline in LOWER_IS_BETTER for s in summaries})


def render(summary: TableSummary, *, layout: str) -> str:
    """Return the table as ``"markdown"`` or ``"csv"`` text."""
    metrics = _shown_metrics(summary)
    header = [
        "model",
        "folds",
        *(_TITLES[metric] for metric in metrics),
        "fold sd",
        "fit CPU s",
        "fit wall s",
        "predict CPU s",
        f"{summary.reference} minus it, {_TITLES[summary.headline]} (95 %)",
        "log-loss (95 %)",
        "fit CPU ratio",
    ]
    lines = [_cells(row, metrics) for row in summary.rows]
    if layout == "csv":
        return "\n".join(",".join([summary.table, *map(_csv_safe, cells)]) for cells in [header, *lines])
    title = f"### {summary.table}, seed {summary.seed}"
    body = [_markdown(header), _markdown(["---"] * len(header)), *map(_markdown, lines)]
    return "\n".join([title, "", *body, *_notes(summary)])


def render_ranks(ranks: Mapping[str, float], *, n_tables: int) -> str:
    """Return the mean ranks in one line, best first."""
    ordered = sorted(ranks.items(), key=lambda item: item[1])
    listed = ", ".join(f"{model} {rank:.2f}" for model, rank in ordered)
    return f"Mean rank of the headline metric over {n_tables} tables: {listed}."


def _complete_models(summary: TableSummary) -> set[str]:
    most = max(row.n_folds for row in summary.rows)
    return {row.model for row in summary.rows if row.n_folds == most}


def _of_one_fingerprint(records: list[Record], wanted: str) -> list[Record]:
    current = [record for record in records if record.fingerprint == wanted]
    chosen = current or [record for record in records if record.fingerprint == records[-1].fingerprint]
    return list({record.split: record for record in chosen}.values())


def _row(model: str, records: Sequence[Record], anchor: Sequence[Record], *, headline: str, is_stale: bool) -> ModelRow:
    metrics = records[0].scores
    values = np.array([record.scores[headline] for record in records])
    pairs = _paired(anchor, records) if anchor and anchor[0].model != model else []
    return ModelRow(
        model=model,
        n_folds=len(records),
        means={metric: float(np.mean([record.scores[metric] for record in records])) for metric in metrics},
        headline_spread=float(np.std(values, ddof=1)) if len(values) > 1 else math.nan,
        fit_cpu=float(np.median([record.fit_cpu for record in records])),
        fit_wall=float(np.median([record.fit_wall for record in records])),
        predict_cpu=float(np.median([record.predict_cpu for record in records])),
        headline_difference=_difference(pairs, headline),
        log_loss_difference=_difference(pairs, "log_loss"),
        cost_ratio=sum(a.fit_cpu for a, _ in pairs) / sum(b.fit_cpu for _, b in pairs) if pairs else None,
        is_stale=is_stale,
    )


def _paired(ours: Sequence[Record], theirs: Sequence[Record]) -> list[tuple[Record, Record]]:
    by_split = {record.split: record for record in ours}
    return [(by_split[record.split], record) for record in theirs if record.split in by_split]


def _difference(pairs: list[tuple[Record, Record]], metric: str) -> Difference | None:
    if not pairs:
        return None
    ours = np.array([a.scores[metric] for a, _ in pairs])
    theirs = np.array([b.scores[metric] for _, b in pairs])
    first = pairs[0][0]
    return corrected_difference(ours, theirs, test_share=first.n_test / (first.n_test + first.n_train))


def _shown_metrics(summary: TableSummary) -> list[str]:
    measured = summary.rows[0].means if summary.rows else {}
    # Average precision and F1 of the event say little where it is common.
    wanted = ["auc", "log_loss", "brier"]
    if summary.headline not in wanted:
        wanted = [summary.headline, *(["f1"] if "f1" in measured else []), *wanted]
    return [metric for metric in wanted if metric in measured]


def _cells(row: ModelRow, metrics: list[str]) -> list[str]:
    return [
        row.model + ("*" if row.is_stale else ""),
        str(row.n_folds),
        *(f"{row.means[metric]:.4f}" for metric in metrics),
        "" if math.isnan(row.headline_spread) else f"{row.headline_spread:.4f}",
        f"{row.fit_cpu:.2f}",
        f"{row.fit_wall:.2f}",
        f"{row.predict_cpu:.3f}",
        _difference_text(row.headline_difference),
        _difference_text(row.log_loss_difference),
        "" if row.cost_ratio is None else f"{row.cost_ratio:.3g}",
    ]


def _difference_text(difference: Difference | None) -> str:
    if difference is None:
        return ""
    if math.isnan(difference.low):
        return f"{difference.value:+.4f} (1 fold)"
    return f"{difference.value:+.4f} ({difference.low:+.4f} to {difference.high:+.4f}; {difference.n_folds})"


def _notes(summary: TableSummary) -> list[str]:
    notes = [f"not run: {model}: {reason}" for model, reason in summary.absent.items()]
    if len({row.n_folds for row in summary.rows}) > 1:
        notes.append("means over different folds do not compare: read the paired differences")
    if any(row.is_stale for row in summary.rows):
        notes.append("\\* results of earlier sources, versions or parameters, not of the present ones")
    return ["", *notes] if notes else []


def _markdown(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _csv_safe(cell: str) -> str:
    return f'"{cell}"' if "," in cell else cell
