"""What to offer, to whom, how much to stock, and why."""

from functools import partial

from appkit.domain import Domain
from domains.retail.behaviour import behaviour_features
from domains.retail.cleaning import ONLINE_RETAIL_CODES, CleanedTransactions, clean_transactions
from domains.retail.data import (
    load_amazon_beauty,
    load_gowalla,
    load_movielens,
    load_online_retail,
    make_purchases,
)
from domains.retail.demand import DemandForecaster
from domains.retail.demand_baselines import baseline_forecast
from domains.retail.demand_series import demand_series, flag_likely_stock_outs
from domains.retail.demand_table import DemandTable, demand_table, forecast_table
from domains.retail.demo import demo
from domains.retail.model import ProductRecommender
from domains.retail.purchase_baselines import purchase_baselines
from domains.retail.purchase_classifier import PurchaseClassifier
from domains.retail.purchase_table import PurchaseTable, purchase_table
from domains.retail.report import report_sections
from domains.retail.rules import Rules

__all__ = [
    "DOMAIN",
    "ONLINE_RETAIL_CODES",
    "CleanedTransactions",
    "DemandForecaster",
    "DemandTable",
    "ProductRecommender",
    "PurchaseClassifier",
    "PurchaseTable",
    "Rules",
    "baseline_forecast",
    "behaviour_features",
    "clean_transactions",
    "demand_series",
    "demand_table",
    "flag_likely_stock_outs",
    "forecast_table",
    "load_amazon_beauty",
    "load_gowalla",
    "load_movielens",
    "load_online_retail",
    "make_purchases",
    "purchase_baselines",
    "purchase_table",
]

DOMAIN = Domain(
    name="retail",
    title="Retail",
    estimators={
        "ProductRecommender": ProductRecommender,
        "PurchaseClassifier": PurchaseClassifier,
        "DemandForecaster": DemandForecaster,
    },
    datasets={
        "online_retail_2009_2010": load_online_retail,
        "movielens_100k": load_movielens,
        "movielens_latest_small": partial(load_movielens, "latest-small"),
        "gowalla": load_gowalla,
        "amazon_beauty": load_amazon_beauty,
        "make_purchases": make_purchases,
    },
    demo=demo,
    wording={
        "event": "purchase",
        "row": "customer",
        "rows": "customers",
        "case": "customer",
        "passed": "not flagged",
        "happened": "bought",
        "stayed": "did not buy",
    },
    report_sections=report_sections,
    clean=clean_transactions,
)
