"""The credit data sets are what their publishers describe, and say where to get what is not here."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import domains.finance.data as finance
from appkit.data import Dataset, Schema
from appkit.exceptions import DatasetNotFoundError

LOADERS = [getattr(finance, name) for name in finance.__all__]
ON_DISK = [load for load in LOADERS if load not in (finance.load_german_credit, finance.make_loans)]


def test_importing_the_loaders_opens_no_data_file():
    script = (
        "import sys, json; opened = []\n"
        "sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == 'open' else None)\n"
        "import domains.finance.data\n"
        "data = [n for n in opened if n.endswith(('.txt', '.csv', '.gz')) and not n.endswith('entry_points.txt')]\n"
        "print(json.dumps(data))"  # torch looks through the entry points of what is installed
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert json.loads(answer.stdout) == []


def test_german_credit_has_the_published_counts_costs_and_no_missing_cell():
    data = finance.load_german_credit()
    assert data.X.shape == (1000, 20)
    assert data.y.value_counts().to_dict() == {"good": 700, "bad": 300}
    assert data.costs == {"missed_event": 5.0, "false_alarm": 1.0}
    assert not data.X.isna().any(axis=None)


def test_german_credit_splits_into_750_and_250(german_credit_split):
    X_train, X_test, y_train, y_test = german_credit_split
    assert (len(X_train), len(X_test)) == (750, 250)
    assert (y_train == "bad").mean() == (y_test == "bad").mean() == 0.3


@pytest.mark.usefixtures("data_dir")
def test_adult_has_the_published_counts_and_test_part():
    data = finance.load_adult()
    _, _, y_train, y_test = data.split()
    assert (len(y_train), len(y_test)) == (32_561, 16_281)
    assert ((y_train == ">50K").sum(), (y_test == ">50K").sum()) == (7_841, 3_846)
    assert set(data.y) == {"<=50K", ">50K"}
    assert data.X["workclass"].isna().sum() == 2_799
    assert not data.X["workclass"].str.startswith(" ", na=False).any()


@pytest.mark.usefixtures("data_dir")
def test_heloc_has_the_published_counts_with_and_without_empty_rows():
    whole, usual = finance.load_heloc(drop_empty=False), finance.load_heloc()
    assert whole.y.value_counts().to_dict() == {"Bad": 5_459, "Good": 5_000}
    assert (whole.X.shape, usual.X.shape) == ((10_459, 23), (9_871, 23))
    assert not (usual.X == -9).all(axis=1).any()
    assert usual.X.index.equals(usual.y.index)


@pytest.mark.usefixtures("data_dir")
def test_hmeq_has_the_published_counts():
    data = finance.load_hmeq()
    assert data.X.shape == (5_960, 12)
    assert round(data.y.mean(), 4) == 0.1995
    assert set(data.X["reason"].dropna()) == {"DebtCon", "HomeImp"}


@pytest.mark.usefixtures("data_dir")
def test_give_me_some_credit_has_the_published_counts():
    data = finance.load_give_me_some_credit()
    assert data.X.shape == (150_000, 10)
    assert data.y.mean() == pytest.approx(0.06684, abs=1e-5)
    assert data.X[["monthly_income", "n_dependents"]].isna().sum().tolist() == [29_731, 3_924]


@pytest.fixture(params=LOADERS)
def data(request) -> Dataset:
    """Each data set in turn; those not in the package need the data folder."""
    if request.param in ON_DISK:
        request.getfixturevalue("data_dir")
    return request.param()


def test_every_data_set_is_whole(data):
    assert data.X.index.equals(data.y.index)
    assert data.event in set(data.y)
    assert data.y.nunique() == 2
    assert {*data.protected, *data.special_codes} <= set(data.X)
    assert all(name == name.lower() and name.isidentifier() for name in data.X)
    assert all((data.description, data.target, data.licence, data.citation, data.source))


def test_every_data_set_conforms_to_the_schema_of_its_training_part(data):
    X_train, X_test, _, _ = data.split()
    schema = Schema.infer(X_train, special_codes=data.special_codes, protected=data.protected)
    assert schema.conform(X_test).shape == (len(X_test), data.X.shape[1] - len(data.protected))


@pytest.mark.parametrize("load", ON_DISK)
def test_an_absent_data_set_says_where_to_get_it_and_where_to_put_it(load, tmp_path, monkeypatch):
    monkeypatch.setenv("APPKIT_DATA", str(tmp_path))
    monkeypatch.setattr("pooch.os_cache", lambda _: tmp_path / "cache")
    with pytest.raises(DatasetNotFoundError, match=r"Get it from https?://.* and save it as .*finance.*APPKIT_DATA"):
        load()


def test_adult_opens_the_publishers_own_uncompressed_files(tmp_path, monkeypatch):
    folder = tmp_path / "finance" / "adult"
    folder.mkdir(parents=True)
    row = "39, ?, 77516, Bachelors, 13, Never-married, Sales, Unmarried, White, Male, 0, 0, 40, Cuba, "
    (folder / "adult.data").write_text(f"{row}<=50K\n{row}>50K\n\n")
    (folder / "adult.test").write_text(f"|1x3 Cross validator\n{row}>50K.\n\n")
    monkeypatch.setenv("APPKIT_DATA", str(tmp_path))
    data = finance.load_adult()
    assert data.y.tolist() == ["<=50K", ">50K", ">50K"]
    assert data.given_test.tolist() == [False, False, True]


def test_loans_repeat_with_their_seed_and_change_with_another():
    first, again, other = (finance.make_loans(300, random_state=seed) for seed in (0, 0, 1))
    pd.testing.assert_frame_equal(first.X, again.X)
    pd.testing.assert_series_equal(first.y, again.y)
    assert not first.X["debt_to_income"].equals(other.X["debt_to_income"])


def test_the_true_log_odds_of_a_loan_follow_the_documented_rule():
    loans = finance.make_loans(2_000)
    X = loans.X
    by_hand = (
        -3.0
        + 4 * (X["debt_to_income"] - 0.35)
        + np.where(X["monthly_income"].isna(), 0.5, -0.9 * np.log(X["monthly_income"] / 3000))
        + 0.7 * np.minimum(X["n_late_payments"], 4)
        + X["employment"].map({"public": -0.6, "salaried": 0.0, "self-employed": 0.6, "unemployed": 1.4})
        + np.where(X["months_since_default"] == -9, 0, 1.5 * np.exp(-X["months_since_default"] / 24))
        - 0.9 * X["has_guarantor"]
        + 0.3 * (X["application_date"] - pd.Timestamp("2021-01-01")).dt.days / 365.25
    )
    np.testing.assert_allclose(loans.log_odds, by_hand)


def test_loans_default_as_often_as_their_true_log_odds_say():
    loans = finance.make_loans(40_000)
    probability = 1 / (1 + np.exp(-loans.log_odds))
    top = probability > probability.quantile(0.9)
    defaulted = loans.y == "default"
    assert defaulted.mean() == pytest.approx(probability.mean(), abs=0.01)
    assert defaulted[top].mean() == pytest.approx(probability[top].mean(), abs=0.02)


def test_decoys_go_with_a_driver_but_have_no_term():
    loans = finance.make_loans(5_000)
    X = loans.X
    assert set(loans.decoys) | set(loans.drivers) | {"sex"} == set(X)
    assert not set(loans.decoys) & set(loans.drivers)
    assert np.log(X["neighbourhood_income"]).corr(np.log(X["monthly_income"])) > 0.8
    assert X["n_credit_cards"].corr(X["n_late_payments"]) > 0.4
    assert X["loan_amount"].corr(X["debt_to_income"]) > 0.4
    assert (X.loc[X["employment"] == "public", "region"] == "east").mean() > 0.6


def test_loans_bring_every_kind_of_column_missing_cells_and_a_special_code():
    loans = finance.make_loans(1_000)
    schema = Schema.infer(loans.X, special_codes=loans.special_codes)
    assert {column.kind for column in schema} == {"numeric", "category", "boolean", "time"}
    assert schema["monthly_income"].has_missing
    assert schema["region"].has_missing
    assert schema["months_since_default"].minimum >= 1


def test_loans_split_keeps_each_customer_on_one_side():
    loans = finance.make_loans(2_000)
    X_train, X_test, _, _ = loans.split()
    assert not set(loans.groups[X_train.index]) & set(loans.groups[X_test.index])


def test_loans_need_two_rows():
    with pytest.raises(ValueError, match="n_rows must be at least 2, got 1"):
        finance.make_loans(1)
