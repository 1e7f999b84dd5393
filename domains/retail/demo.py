"""The tour of the retail domain: fit, measure, explain and report on purchases of a generated shop, with no network."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console

from appkit.explanation import explain
from appkit.explanation.counterfactuals.histories import removal_sets
from appkit.explanation.layouts import HistoryLayout
from appkit.persistence import save
from appkit.reporting import report
from domains.retail.model import ProductRecommender
from domains.retail.prediction import evaluate_advice
from domains.retail.purchases import make_purchases

__all__ = ["demo"]

_N_CUSTOMERS = 600
_K = 10
_FIRST = 3  # purchases named in a line


def demo(out_dir: str | Path = ".", *, progress: bool = False) -> tuple[Path, Path]:
    """Fit a recommender to a shop's purchases, print how good it is and one customer's reasons, write ``shop.html``.

    Parameters
    ----------
    out_dir
        Folder to write into; it must exist.
    progress
        Whether to show progress bars.

    Returns
    -------
    tuple of Path
        The page and its facts, ``shop.json``; the model is saved beside them as ``shop.appkit``.
    """
    console = Console()
    shop = make_purchases(_N_CUSTOMERS)
    assert shop.item_names is not None
    split, names = shop.split(), shop.item_names
    train, later = (part.assign(name=part[shop.item].map(names)) for part in (split.train, split.test))
    n_customers = train[shop.user].nunique()
    console.print(f"Fitting ProductRecommender to {len(train):,} purchases of {n_customers} customers ...")
    model = ProductRecommender(
        user=shop.user,
        item=shop.item,
        time=shop.time,
        item_name="name",
        filter_seen=True,  # new ideas; with False it would be what to buy again
        random_state=0,
        progress=progress,
    ).fit(train)
    console.print(_accuracy(model, train, later, label=split.label), highlight=False, soft_wrap=True)
    console.print(_reasons(model, shop.cases(train), names), highlight=False, soft_wrap=True)
    console.print("Explaining and writing the report ...")
    page = report(
        model,
        later,
        k=_K,
        title="What to offer next (generated shop)",
        data_name="Generated shop, test part",
        purpose="Shows what a report holds. The shop is generated, and why its customers buy is known.",
        limits={f"Recall@{_K}": (0.2, None), "Catalogue coverage": (0.5, None)},
        random_state=0,
        progress=progress,
    )
    html, json = page.save(Path(out_dir) / "shop.html")
    saved = save(model, Path(out_dir) / "shop.appkit")
    console.print(f"Wrote {html} (open it in a browser), {json} and {saved}.", soft_wrap=True)
    return html, json


def _accuracy(model: ProductRecommender, train: pd.DataFrame, later: pd.DataFrame, *, label: str) -> str:
    """Measure on what the same customers bought later, beside what is popular."""
    lists = {"recommender": model.recommend(later[model.user].unique(), _K)}
    found = evaluate_advice(
        lists, later, train=train, model="recommender", k=_K, user=model.user, item=model.item, seen="left out"
    )
    ours, popular = (found.results[name].estimates for name in ("recommender", "popularity"))
    lead = found.differences["popularity"]["ndcg"].estimate
    return (
        f"Chosen on the latest purchases of the training part: {model.model_}. On {label}, new items only:\n"
        f"{ours['ndcg']}; popularity: {popular['ndcg']}\n"
        f"{ours['recall']}; popularity: {popular['recall']}\n"
        f"Lead in NDCG over popularity on the same customers: {lead.value:+.3f} ({lead.low:+.3f} to {lead.high:+.3f})"
    )


def _reasons(model: ProductRecommender, cases: pd.DataFrame, names: Mapping[Any, str]) -> str:
    """Explain the first advice, in order of customers, that has a reason known from how the shop is generated."""
    cases = cases.rename(columns={model.user: "user", model.item: "item"})
    advised = cases.merge(model.recommend(cases["user"].unique(), _K), on=["user", "item"])
    if advised.empty:
        return "No advice has a reason that is known."
    case = advised.iloc[0]
    pair = pd.DataFrame({model.user: [case["user"]], model.item: [case["item"]]})
    why = explain(model, pair, k=_K, random_state=0)
    assert isinstance(why.layout, HistoryLayout)
    effects, errors = why.values[0, :, 0], why.standard_error[0, :, 0]
    strongest = np.argsort(-effects, kind="stable")[:_FIRST]
    named = [f"{why.layout.items[0, i]} {effects[i]:+.3f} (standard error {errors[i]:.3f})" for i in strongest]
    drivers = " and ".join(sorted(names[item] for item in case["drivers"]))
    return (
        f"Customer {case['user']} is advised a {names[case['item']]}, rank {case['rank']}, because of these "
        f"purchases: {'; '.join(named)}. True reason, known as the shop is generated: {drivers}.\n"
        f"{removal_sets(model, pair, k=_K).describe(0)}"
    )
