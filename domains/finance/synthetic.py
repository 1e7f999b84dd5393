"""Loans whose true drivers are known, so that models and explanations can be held against the truth."""

import numpy as np
import pandas as pd

from appkit.data import GeneratedDataset

__all__ = ["make_loans"]

INTERCEPT = -3.0
NO_RECORD = -9.0
FIRST_DAY = pd.Timestamp("2021-01-01")
N_DAYS = 3 * 365
EMPLOYMENT_EFFECT = {"public": -0.6, "salaried": 0.0, "self-employed": 0.6, "unemployed": 1.4}
EMPLOYMENT_SHARES = (0.15, 0.6, 0.18, 0.07)
REGIONS = ("east", "north", "south", "west")


def make_loans(n_rows: int = 5000, *, random_state: int | None = 0) -> GeneratedDataset:
    """Return loans drawn from a known rule.

    The log-odds of default are a sum of one term per driver, a function of the cell as it stands in the table:

    ========================  ==============================================================
    driver                    adds to the log-odds
    ========================  ==============================================================
    ``debt_to_income``        4 (share - 0.35)
    ``monthly_income``        -0.9 log(income / 3000); 0.5 where the applicant did not say
    ``n_late_payments``       0.7 each, up to 4
    ``employment``            public -0.6, salaried 0, self-employed 0.6, unemployed 1.4
    ``months_since_default``  1.5 exp(-months / 24); 0 for -9, no default on record
    ``has_guarantor``         -0.9
    ``application_date``      0.3 per year since 2021
    ========================  ==============================================================

    ``neighbourhood_income``, ``n_credit_cards``, ``loan_amount`` and ``region`` are decoys: they go with income, late
    payments, debt and employment, and have no effect. ``sex`` goes with income and has no effect either. A customer
    may take several loans: ``groups`` names the customer and :meth:`~appkit.data.Dataset.split` keeps each on one side.

    Parameters
    ----------
    n_rows
        Number of loans, at least 2.
    random_state
        Seed; the same seed gives the same table.

    Examples
    --------
    >>> loans = make_loans(200)
    >>> loans
    <GeneratedDataset loans: 200 rows x 12 columns, event 'default'>
    >>> loans.drivers[:3]
    ('debt_to_income', 'monthly_income', 'n_late_payments')
    """
    if n_rows < 2:
        raise ValueError(f"n_rows must be at least 2, got {n_rows!r}.")
    rng = np.random.default_rng(random_state)
    customer = rng.integers(0, max(2, 2 * n_rows // 3), n_rows)
    X = _applications(rng, customer)
    contributions = _contributions(X)
    probability = 1 / (1 + np.exp(-(INTERCEPT + contributions.sum(axis=1))))
    return GeneratedDataset(
        name="loans",
        description="Generated loans with known drivers, decoys, missing cells and a special code.",
        X=X,
        y=pd.Series(np.where(rng.random(n_rows) < probability, "default", "repaid"), name="outcome"),
        target="whether the loan defaulted",
        event="default",
        licence="BSD-3-Clause, as this package",
        citation="none needed: generated data",
        source="domains.finance.make_loans",
        protected=("sex",),
        special_codes={"months_since_default": (NO_RECORD,)},
        protocol="group",
        time=X["application_date"],
        groups=pd.Series(customer, name="customer"),
        contributions=contributions,
        intercept=INTERCEPT,
        decoys=("neighbourhood_income", "n_credit_cards", "loan_amount", "region"),
    )


def _applications(rng: np.random.Generator, customer: np.ndarray) -> pd.DataFrame:
    """Draw what a customer is, then what each of his applications says."""
    n_rows = len(customer)
    person = _customers(rng, customer.max() + 1).iloc[customer].reset_index(drop=True)
    income = person["income"].to_numpy()
    debt_to_income = np.clip(rng.beta(3, 5, n_rows), 0.02, 0.95)
    late = rng.poisson(0.5, n_rows)
    return pd.DataFrame(
        {
            "application_date": FIRST_DAY + pd.to_timedelta(rng.integers(0, N_DAYS, n_rows), unit="D"),
            "loan_amount": np.round(income * debt_to_income * rng.lognormal(1.5, 0.3, n_rows), -2),
            "debt_to_income": np.round(debt_to_income, 3),
            "monthly_income": np.where(rng.random(n_rows) < 0.12, np.nan, np.round(income, -1)),
            "neighbourhood_income": np.round(np.exp(0.7 * np.log(income) + 2.4 + rng.normal(0, 0.15, n_rows)), -1),
            "employment": person["employment"],
            "region": person["region"].where(rng.random(n_rows) > 0.05),
            "n_late_payments": late,
            "n_credit_cards": late + rng.poisson(1.5, n_rows),
            "months_since_default": _months_since_default(rng, n_rows),
            "has_guarantor": rng.random(n_rows) < 0.2,
            "sex": person["sex"],
        }
    )


def _customers(rng: np.random.Generator, n_customers: int) -> pd.DataFrame:
    is_woman = rng.random(n_customers) < 0.5
    job = rng.choice(len(EMPLOYMENT_EFFECT), n_customers, p=EMPLOYMENT_SHARES)
    keeps_to_region = rng.random(n_customers) < 0.6  # each kind of work has a region where it is common
    region = np.where(keeps_to_region, job, rng.integers(0, len(REGIONS), n_customers))
    return pd.DataFrame(
        {
            "sex": np.where(is_woman, "female", "male"),
            "employment": np.array(list(EMPLOYMENT_EFFECT))[job],
            "region": np.array(REGIONS)[region],
            "income": rng.lognormal(8.0, 0.45, n_customers) * np.where(is_woman, 0.85, 1.0),
        }
    )


def _months_since_default(rng: np.random.Generator, n_rows: int) -> np.ndarray:
    months = rng.integers(1, 120, n_rows).astype(np.float64)
    return np.where(rng.random(n_rows) < 0.75, NO_RECORD, months)


def _contributions(X: pd.DataFrame) -> pd.DataFrame:
    months = X["months_since_default"]
    years = (X["application_date"] - FIRST_DAY).dt.days / 365.25
    return pd.DataFrame(
        {
            "debt_to_income": 4 * (X["debt_to_income"] - 0.35),
            "monthly_income": (-0.9 * np.log(X["monthly_income"] / 3000)).fillna(0.5),
            "n_late_payments": 0.7 * X["n_late_payments"].clip(upper=4),
            "employment": X["employment"].map(EMPLOYMENT_EFFECT).astype(float),
            "months_since_default": (1.5 * np.exp(-months / 24)).mask(months == NO_RECORD, 0.0),
            "has_guarantor": np.where(X["has_guarantor"], -0.9, 0.0),
            "application_date": 0.3 * years,
        }
    )
