"""Do reasons of advice point to what truly led to a purchase? On generated purchases, where that is known."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from appkit.explanation import Explanation, removal_sets
from appkit.explanation.layouts import HistoryLayout
from appkit.prediction.intervals import proportion
from benchmarks.marks import told
from benchmarks.results import Record
from benchmarks.retail.ours import our_model
from benchmarks.runs import Outcome, Runs, markdown, spread, timed
from domains.retail import ProductRecommender, make_purchases
from domains.retail.purchases import PurchasesDataset

__all__ = ["CaseVerdict", "case_counts", "judge_case", "leaves_list", "measure_drivers"]

_ASKED = 0.95
_K = 10
_EVALUATIONS = 4_000  # histories scored for a case, at most, where a model does not add up
_CUSTOMERS, _QUICK_CUSTOMERS = 2_000, 80


@dataclass(frozen=True)
class CaseVerdict:
    """What the reasons of one advice are worth.

    Parameters
    ----------
    is_first, is_in_top_two
        Whether the item with the largest effect is a true driver, and whether one of the two with the largest is.
    is_decoy_first
        Whether the item with the largest effect is a decoy.
    all_above
        Whether every driver has a larger effect than every decoy of the history.
    is_listed
        Whether the item was on the list at all.
    """

    is_first: bool
    is_in_top_two: bool
    is_decoy_first: bool
    all_above: bool
    is_listed: bool


def measure_drivers(runs: Runs, *, models: Sequence[str], seeds: Sequence[int], n_cases: int) -> str:
    """Return the table; the seeds are those of the generator, of the models and of the draw of cases."""
    n_customers = _QUICK_CUSTOMERS if runs.is_quick else _CUSTOMERS
    records = []
    for seed in seeds:
        for name in models:
            model = replace(our_model(n_cases=n_cases, n_evaluations=_EVALUATIONS), name=name)
            measure = partial(_measured, name, n_customers, n_cases, seed)
            records.append(runs.once("drivers", model, measure, data_hash=f"{n_customers} customers", seed=seed))
    return _table(runs, records, n_customers)


def judge_case(
    effects: np.ndarray, items: Sequence[Any], *, drivers: Sequence[Any], decoys: Sequence[Any], rank: int
) -> CaseVerdict:
    """Judge the effects of the items of one history.

    Parameters
    ----------
    effects
        On the margin of the advice, positive where an item speaks for it, float64 ``(n_items,)``.
    items
        Of the history, raw ids.
    drivers, decoys
        Raw ids; drivers are of the history.
    rank
        Place of the advice, from 1.

    Examples
    --------
    >>> judge_case(np.array([0.2, 0.9, 0.4]), ["a", "b", "c"], drivers=["c"], decoys=["a"], rank=3)
    CaseVerdict(is_first=False, is_in_top_two=True, is_decoy_first=False, all_above=True, is_listed=True)
    """
    effect = dict(zip(items, effects.tolist(), strict=True))
    order = sorted(effect, key=lambda item: -effect[item])
    best_decoy = max((effect[decoy] for decoy in decoys), default=-np.inf)
    return CaseVerdict(
        is_first=order[0] in drivers,
        is_in_top_two=any(item in drivers for item in order[:2]),
        is_decoy_first=order[0] in decoys,
        all_above=min(effect[driver] for driver in drivers) > best_decoy,
        is_listed=rank <= _K,
    )


def case_counts(verdicts: Sequence[CaseVerdict]) -> dict[str, float]:
    """Count over all cases, and over those whose item was on the list."""
    found: dict[str, float] = {}
    for group, own in (("all", verdicts), ("listed", [one for one in verdicts if one.is_listed])):
        found |= {
            f"{group}: cases": float(len(own)),
            f"{group}: top two": float(sum(one.is_in_top_two for one in own)),
            f"{group}: first": float(sum(one.is_first for one in own)),
            f"{group}: decoy first": float(sum(one.is_decoy_first for one in own)),
            f"{group}: all above": float(sum(one.all_above for one in own)),
        }
    return found


def leaves_list(
    model: ProductRecommender, purchases: pd.DataFrame, cases: pd.DataFrame, removed: Sequence[Sequence[Any]], *, k: int
) -> np.ndarray:
    """Return whether each item is off the list that the model gives to a history without some items, bool ``(n,)``.

    What was removed does not come back as advice: the lists are asked for longer by so many, and go without it.

    Parameters
    ----------
    model
        Fitted.
    purchases
        The events it was fitted on.
    cases
        Columns of customers and items advised.
    removed
        Raw ids taken out of the history of each case.
    k
        Length of the list.
    """
    by_user = dict(tuple(purchases.groupby(model.user)))
    shortened = [
        by_user[user][~by_user[user][model.item].isin(without)].assign(**{model.user: case})
        for case, (user, without) in enumerate(zip(cases[model.user], removed, strict=True))
    ]
    histories = pd.concat(shortened)
    longest = max(map(len, removed), default=0)
    lists = model.recommend(np.arange(len(cases)), k + longest, interactions=histories)
    advised = {case: own["item"].tolist() for case, own in lists.groupby("user")}
    return np.array(
        [
            item not in [other for other in advised[case] if other not in without][:k]
            for case, (item, without) in enumerate(zip(cases[model.item], removed, strict=True))
        ],
        dtype=bool,
    )


def _measured(name: str, n_customers: int, n_cases: int, seed: int) -> Outcome:
    data = make_purchases(n_customers, random_state=seed)
    train = data.split().train
    columns: dict[str, Any] = dict(data.columns)
    model = ProductRecommender(**columns, model=name, device="cpu", random_state=seed, progress=False)
    _, fit = timed(lambda: model.fit(train))
    cases = data.cases(train)
    cases = cases.sample(min(n_cases, len(cases)), random_state=seed).reset_index(drop=True)
    advice = cases[[data.user, data.item]]
    found, explaining = timed(lambda: model.explain(advice, max_evaluations=_EVALUATIONS, random_state=seed))
    verdicts = _verdicts(found, cases)
    is_listed = np.array([verdict.is_listed for verdict in verdicts])
    scores = case_counts(verdicts) | _removals(model, data, train, cases[is_listed].reset_index(drop=True))
    return Outcome(scores, len(train), len(cases), fit, explaining)


def _verdicts(found: Explanation, cases: pd.DataFrame) -> list[CaseVerdict]:
    layout = found.layout
    assert isinstance(layout, HistoryLayout)
    assert layout.ids is not None
    assert layout.advice is not None
    verdicts = []
    for row, (drivers, decoys) in enumerate(zip(cases["drivers"], cases["decoys"], strict=True)):
        effects = found.values[row, :, 0]
        is_player = ~np.isnan(effects)
        items = layout.ids[row][is_player].tolist()
        rank = int(layout.advice.ranks[row])
        verdicts.append(judge_case(effects[is_player], items, drivers=drivers, decoys=decoys, rank=rank))
    return verdicts


def _removals(
    model: ProductRecommender, data: PurchasesDataset, train: pd.DataFrame, cases: pd.DataFrame
) -> dict[str, float]:
    """Count sets of purchases without which an advice is gone: found, verified by their search, and by asking anew."""
    sets, cost = timed(lambda: removal_sets(model, cases[[data.user, data.item]], k=_K))
    removed = [sets.rows.loc[sets.rows["row"] == row, "removed"].tolist() for row in np.flatnonzero(sets.found)]
    own = cases[sets.found].reset_index(drop=True)
    is_gone = leaves_list(model, train, own, removed, k=_K)
    has_driver = [bool(set(without) & set(drivers)) for without, drivers in zip(removed, own["drivers"], strict=True)]
    return {
        "sets: asked": float(len(cases)),
        "sets: found": float(sets.found.sum()),
        "sets: verified": float(sets.verified.sum()),
        "sets: gone": float(is_gone.sum()),
        "sets: with a driver": float(sum(has_driver)),
        "sets: items": float(sets.sizes.sum()),
        "sets: CPU s": cost.cpu,
    }


_HEADS = (
    *("model", "cases", "a true driver in the top two", "95 %, exact", "by data seed", "a driver first"),
    *("a decoy first", "all drivers above all decoys", "of those on the list: top two"),
    *("sets found", "gone when asked anew", "with a driver", "items per set", "explain, CPU ms per case", "fit, CPU s"),
)


def _table(runs: Runs, records: Sequence[Record], n_customers: int) -> str:
    names = list(dict.fromkeys(record.model for record in records))
    by_name = {name: [record for record in records if record.model == name] for name in names}
    ours = by_name[names[0]]
    total, right = (_total(ours, f"all: {kind}") for kind in ("cases", "top two"))
    return (
        f"drivers: {n_customers:,} generated customers, seeds {[record.seed for record in ours]}; cases are drawn "
        f"from customers with every driver of an item they do not have, and explained by {_EVALUATIONS:,} histories at "
        f"most; lists of {_K}; sets of purchases whose removal takes the item off the list, checked by asking the "
        f"fitted model for the list again. `{runs.command}`\n"
        + markdown(_HEADS, [_row(name, own) for name, own in by_name.items()])
        + f"\n{names[0]}, share with a true driver in the top two {told(right / total, {'asked': _ASKED})}."
    )


def _row(name: str, records: Sequence[Record]) -> list[str]:
    def part(kind: str, of: str) -> str:
        return f"{_total(records, kind) / max(_total(records, of), 1):.1%}"

    right, n = int(_total(records, "all: top two")), int(_total(records, "all: cases"))
    share = proportion("top two", right, n, method="Clopper-Pearson")
    by_seed = (f"{one.scores['all: top two'] / one.scores['all: cases']:.1%}" for one in records)
    return [
        name,
        str(n),
        f"{right} ({right / n:.1%})",
        f"{share.low:.1%} to {share.high:.1%}",
        " ".join(by_seed),
        part("all: first", "all: cases"),
        part("all: decoy first", "all: cases"),
        part("all: all above", "all: cases"),
        f"{int(_total(records, 'listed: top two'))} of {int(_total(records, 'listed: cases'))}",
        f"{int(_total(records, 'sets: found'))} of {int(_total(records, 'sets: asked'))}",
        part("sets: gone", "sets: found"),
        part("sets: with a driver", "sets: found"),
        f"{_total(records, 'sets: items') / max(_total(records, 'sets: found'), 1):.2f}",
        spread([1e3 * one.predict_cpu / one.n_test for one in records], 1),
        spread([one.fit_cpu for one in records], 1),
    ]


def _total(records: Sequence[Record], kind: str) -> float:
    return sum(record.scores[kind] for record in records)
