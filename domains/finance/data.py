"""Credit data sets: German Credit comes with the package, the others are found on disk."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from appkit.data import Dataset, Source, find_file
from domains.finance.german_credit import read_german_credit
from domains.finance.synthetic import make_loans

__all__ = [
    "load_adult",
    "load_german_credit",
    "load_give_me_some_credit",
    "load_heloc",
    "load_hmeq",
    "make_loans",
]


def load_german_credit() -> Dataset:
    """Return German Credit: 1,000 loans of 1973-75, 20 columns, 300 of them bad. Comes with the package.

    Examples
    --------
    >>> load_german_credit()
    <Dataset german_credit: 1,000 rows x 20 columns, event 'bad'>
    """
    table = read_german_credit(Path(__file__).with_name("german.data.txt"))
    return Dataset(
        name="german_credit",
        description="Loans of a German bank, judged good or bad (Statlog).",
        X=table.drop(columns="credit_risk"),
        y=table["credit_risk"],
        target="whether the loan went bad",
        event="bad",
        licence="CC BY 4.0",
        citation="Hofmann, H. (1994). Statlog (German Credit Data). UCI ML Repository. doi:10.24432/C5NC77.",
        source="https://archive.ics.uci.edu/dataset/144/statlog+german+credit+data",
        protected=("personal_status_sex", "age", "foreign_worker"),
        costs={"missed_event": 5.0, "false_alarm": 1.0},
    )


def load_adult() -> Dataset:
    """Return Adult / Census Income: 48,842 people, 14 columns, with the published test part.

    Raises
    ------
    DatasetNotFoundError
        Where the files are not on disk, saying where to get them.
    """
    options: dict[str, Any] = {"names": [*_ADULT_COLUMNS, "income"], "skipinitialspace": True, "na_values": "?"}
    # the publisher's adult.test opens with a remark, which some copies lack
    parts = [pd.read_csv(find_file(source), comment="|", **options) for source in _ADULT_SOURCES]
    table = pd.concat(parts, ignore_index=True)
    return Dataset(
        name="adult",
        description="People in the 1994 US census, earning above 50,000 dollars a year or not.",
        X=table.drop(columns="income"),
        y=table["income"].str.rstrip("."),
        target="whether yearly income exceeds 50,000 dollars",
        event=">50K",
        licence="CC BY 4.0",
        citation="Becker, B. & Kohavi, R. (1996). Adult. UCI ML Repository. doi:10.24432/C5XW20.",
        source=_ADULT_SOURCES[0].address,
        protected=("sex", "race"),
        protocol="published",
        given_test=np.arange(len(table)) >= len(parts[0]),
    )


def load_heloc(*, drop_empty: bool = True) -> Dataset:
    """Return FICO HELOC: home equity credit lines, 23 columns of counts, months and percentages.

    Parameters
    ----------
    drop_empty
        Leave out the 588 rows in which no credit record was found (all -9), as is usual; 9,871 of 10,459 stay.

    Raises
    ------
    DatasetNotFoundError
        Where the file is not on disk, saying where to get it.
    """
    table = pd.read_csv(find_file(_HELOC_SOURCE)).rename(columns=_HELOC_COLUMNS)
    X = table[list(_HELOC_COLUMNS.values())]
    kept = ~(X == -9).all(axis=1) if drop_empty else np.ones(len(X), dtype=bool)
    return Dataset(
        name="heloc",
        description="Home equity lines of credit, explained by a credit bureau's records (FICO challenge).",
        X=X[kept].reset_index(drop=True),
        y=table.loc[kept, "RiskPerformance"].reset_index(drop=True),
        target="whether the customer was 90 days late at least once in 24 months",
        event="Bad",
        licence="FICO challenge data licence: registration, research use, no redistribution",
        citation="FICO (2018). Home Equity Line of Credit dataset, Explainable Machine Learning Challenge.",
        source=_HELOC_SOURCE.address,
        # -9 no record, -8 no usable trades or inquiries, -7 condition not met
        special_codes=dict.fromkeys(X.columns, (-9.0, -8.0, -7.0)),
    )


def load_hmeq() -> Dataset:
    """Return HMEQ: 5,960 home equity loans, 12 columns, many cells missing.

    Raises
    ------
    DatasetNotFoundError
        Where the file is not on disk, saying where to get it.
    """
    table = pd.read_csv(find_file(_HMEQ_SOURCE)).rename(columns=_HMEQ_COLUMNS)
    return Dataset(
        name="hmeq",
        description="Home equity loans of a US bank, with missing cells.",
        X=table[list(_HMEQ_COLUMNS.values())],
        y=table["BAD"],
        target="whether the loan defaulted or was seriously late",
        event=1,
        licence="none stated by the publisher; no redistribution",
        citation="Baesens, B., Roesch, D. & Scheule, H. (2016). Credit Risk Analytics. Wiley.",
        source=_HMEQ_SOURCE.address,
    )


def load_give_me_some_credit() -> Dataset:
    """Return Give Me Some Credit: 150,000 borrowers, 10 columns, 6.7 % of them in distress within two years.

    Raises
    ------
    DatasetNotFoundError
        Where the file is not on disk, saying where to get it.
    """
    table = pd.read_csv(find_file(_GIVE_ME_SOURCE), index_col=0).rename(columns=_GIVE_ME_COLUMNS)
    table = table.reset_index(drop=True)  # the first column is a row number
    late_counters = ("n_times_30_59_days_late", "n_times_60_89_days_late", "n_times_90_days_late")
    return Dataset(
        name="give_me_some_credit",
        description="US borrowers with their debts and late payments (Kaggle competition).",
        X=table[list(_GIVE_ME_COLUMNS.values())],
        y=table["SeriousDlqin2yrs"],
        target="whether the borrower was 90 days late or worse within two years",
        event=1,
        licence="Kaggle competition rules: no redistribution",
        citation="Kaggle (2011). Give Me Some Credit competition.",
        source=_GIVE_ME_SOURCE.address,
        protected=("age",),
        special_codes=dict.fromkeys(late_counters, (96.0, 98.0)),
    )


_ADULT_SOURCES = tuple(
    Source(f"finance/adult/adult.{part}.gz", address="https://archive.ics.uci.edu/dataset/2/adult")
    for part in ("data", "test")
)
_ADULT_COLUMNS = (
    "age",
    "workclass",
    "final_weight",
    "education",
    "education_years",
    "marital_status",
    "occupation",
    "relationship",
    "race",
    "sex",
    "capital_gain",
    "capital_loss",
    "hours_per_week",
    "native_country",
)

_HELOC_SOURCE = Source(
    "finance/heloc/heloc_dataset_v1.csv",
    address="https://community.fico.com/s/explainable-machine-learning-challenge",
)
_HELOC_COLUMNS = {
    "ExternalRiskEstimate": "external_risk_estimate",
    "MSinceOldestTradeOpen": "months_since_oldest_trade",
    "MSinceMostRecentTradeOpen": "months_since_latest_trade",
    "AverageMInFile": "average_months_in_file",
    "NumSatisfactoryTrades": "n_satisfactory_trades",
    "NumTrades60Ever2DerogPubRec": "n_trades_60_days_late_or_public_record",
    "NumTrades90Ever2DerogPubRec": "n_trades_90_days_late_or_public_record",
    "PercentTradesNeverDelq": "percent_trades_never_late",
    "MSinceMostRecentDelq": "months_since_latest_delinquency",
    "MaxDelq2PublicRecLast12M": "worst_delinquency_12_months",
    "MaxDelqEver": "worst_delinquency_ever",
    "NumTotalTrades": "n_trades",
    "NumTradesOpeninLast12M": "n_trades_opened_12_months",
    "PercentInstallTrades": "percent_installment_trades",
    "MSinceMostRecentInqexcl7days": "months_since_latest_inquiry_excluding_7_days",
    "NumInqLast6M": "n_inquiries_6_months",
    "NumInqLast6Mexcl7days": "n_inquiries_6_months_excluding_7_days",
    "NetFractionRevolvingBurden": "revolving_burden_percent",
    "NetFractionInstallBurden": "installment_burden_percent",
    "NumRevolvingTradesWBalance": "n_revolving_trades_with_balance",
    "NumInstallTradesWBalance": "n_installment_trades_with_balance",
    "NumBank2NatlTradesWHighUtilization": "n_bank_trades_highly_used",
    "PercentTradesWBalance": "percent_trades_with_balance",
}

_HMEQ_SOURCE = Source("finance/hmeq/hmeq.csv", address="http://www.creditriskanalytics.net/datasets-private2.html")
_HMEQ_COLUMNS = {
    "LOAN": "loan_amount",
    "MORTDUE": "mortgage_due",
    "VALUE": "property_value",
    "REASON": "reason",
    "JOB": "job",
    "YOJ": "years_on_job",
    "DEROG": "n_derogatory_reports",
    "DELINQ": "n_delinquent_lines",
    "CLAGE": "oldest_line_months",
    "NINQ": "n_recent_inquiries",
    "CLNO": "n_credit_lines",
    "DEBTINC": "debt_to_income_percent",
}

_GIVE_ME_SOURCE = Source(
    "finance/give_me_some_credit/cs-training.csv.gz", address="https://www.kaggle.com/c/GiveMeSomeCredit/data"
)
_GIVE_ME_COLUMNS = {
    "RevolvingUtilizationOfUnsecuredLines": "revolving_utilization",
    "age": "age",
    "NumberOfTime30-59DaysPastDueNotWorse": "n_times_30_59_days_late",
    "DebtRatio": "debt_ratio",
    "MonthlyIncome": "monthly_income",
    "NumberOfOpenCreditLinesAndLoans": "n_open_credit_lines",
    "NumberOfTimes90DaysLate": "n_times_90_days_late",
    "NumberRealEstateLoansOrLines": "n_real_estate_loans",
    "NumberOfTime60-89DaysPastDueNotWorse": "n_times_60_89_days_late",
    "NumberOfDependents": "n_dependents",
}
