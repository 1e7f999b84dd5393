"""A schema is learnt from one table and every later table is held against it."""

import json
import time
from datetime import date, datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from appkit.data import Column, Schema
from appkit.exceptions import DataWarning, SchemaError


def table() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "income": [1200.0, np.nan, 3100.0],
            "job": ["clerk", None, "nurse"],
            "owner": [True, False, True],
            "since": pd.to_datetime(["2020-01-01", "2021-06-01", None]),
        }
    )


def problems_of(X: pd.DataFrame, schema: Schema | None = None) -> tuple[str, ...]:
    with pytest.raises(SchemaError) as caught:
        (schema or Schema.infer(table())).conform(X)
    return caught.value.problems


def test_infer_reads_the_four_kinds_from_dtypes():
    kinds = {column.name: column.kind for column in Schema.infer(table())}
    assert kinds == {"income": "numeric", "job": "category", "owner": "boolean", "since": "time"}


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (np.array([1, 2, 3], dtype=np.uint8), "numeric"),
        (np.array([1, 2, 3], dtype=np.float16), "numeric"),
        (pd.array([1, None, 3], dtype="Int64"), "numeric"),
        (pd.array([1.5, None, 3], dtype="Float32"), "numeric"),
        (pd.arrays.SparseArray([0.0, 0.0, 1.0]), "numeric"),
        (pd.Series([1, 2.5, None], dtype=object), "numeric"),
        (pd.Series([Decimal("1.5"), 2, None], dtype=object), "numeric"),
        (pd.array([1, None, 3], dtype=pd.ArrowDtype(pa.int64())), "numeric"),
        (pd.array([Decimal("1.50"), None, Decimal("3.00")], dtype=pd.ArrowDtype(pa.decimal128(5, 2))), "numeric"),
        (pd.array([True, None, False], dtype="boolean"), "boolean"),
        (pd.Series([True, None, False], dtype=object), "boolean"),
        (pd.array([True, None, False], dtype=pd.ArrowDtype(pa.bool_())), "boolean"),
        (pd.Series(["1", "2", None], dtype=object), "category"),
        (pd.Series(["a", 2, None], dtype=object), "category"),
        (pd.array(["a", None, "b"], dtype="string"), "category"),
        (pd.array(["a", None, "b"], dtype=pd.ArrowDtype(pa.string())), "category"),
        (pd.Categorical([1, 2, None]), "category"),
        (pd.cut([1.0, 2.0, 3.0], bins=2), "category"),
        (pd.Series([None, None, None], dtype=object), "category"),
        (pd.to_datetime(["2020-01-01", None, "2020-01-03"], utc=True), "time"),
        (pd.Series([datetime(2020, 1, 1), None, datetime(2020, 1, 2)], dtype=object), "time"),
        (pd.Series([date(2020, 1, 1), None, date(2020, 1, 2)], dtype=object), "time"),
        (pd.array([datetime(2020, 1, 1), None, None], dtype=pd.ArrowDtype(pa.timestamp("ms"))), "time"),
    ],
)
def test_infer_takes_every_pandas_dtype_and_conform_reads_it_back(values, kind):
    X = pd.DataFrame({"column": values})
    schema = Schema.infer(X)
    conformed = schema.conform(X)["column"]
    dtype = {"numeric": "float64", "boolean": "float64", "category": "object", "time": "datetime64[ns]"}[kind]
    assert (schema["column"].kind, str(conformed.dtype)) == (kind, dtype)
    assert conformed.isna().tolist() == X["column"].isna().tolist()


def test_conform_gives_floats_text_and_dates_in_schema_order():
    X = table()[["since", "owner", "job", "income"]].set_axis(["a", "b", "c"])
    conformed = Schema.infer(table()).conform(X)
    assert list(conformed) == ["income", "job", "owner", "since"]
    assert list(conformed.index) == ["a", "b", "c"]
    assert conformed["job"].tolist() == ["clerk", None, "nurse"]
    assert conformed["owner"].tolist() == [1.0, 0.0, 1.0]
    assert conformed["since"].iloc[1] == pd.Timestamp("2021-06-01")


def test_conform_does_not_write_to_its_input():
    X = table().astype({"job": object})
    before = X.copy(deep=True)
    Schema.infer(X).conform(X)
    pd.testing.assert_frame_equal(X, before)


def test_conform_arrays_holds_the_columns_of_conform():
    schema = Schema.infer(table())
    frame, arrays = schema.conform(table()), schema.conform_arrays(table())
    assert list(arrays) == list(frame)
    for name, values in arrays.items():
        np.testing.assert_array_equal(values, frame[name].to_numpy())


def test_category_of_an_integer_is_the_same_beside_missing_cells():
    schema = Schema.infer(pd.DataFrame({"branch": [1, 2]}), kinds={"branch": "category"})
    later = schema.conform(pd.DataFrame({"branch": [1.0, np.nan]}))
    assert schema["branch"].categories == ("1", "2")
    assert later["branch"].tolist() == ["1", None]


def test_categories_are_sorted_unless_the_categorical_has_an_order():
    X = pd.DataFrame(
        {"job": ["nurse", "clerk"], "grade": pd.Categorical(["low", "high"], ["low", "mid", "high"], True)}
    )
    schema = Schema.infer(X)
    assert schema["job"].categories == ("clerk", "nurse")
    assert schema["grade"].categories == ("low", "high")


def test_range_leaves_special_codes_and_missing_cells_out():
    X = pd.DataFrame({"months": [-9.0, 3.0, 40.0, np.nan]})
    column = Schema.infer(X, special_codes={"months": [-9]})["months"]
    assert (column.minimum, column.maximum, column.special_codes, column.has_missing) == (3.0, 40.0, (-9.0,), True)


def test_range_of_a_time_is_in_seconds_since_1970():
    column = Schema.infer(pd.DataFrame({"day": pd.to_datetime(["1970-01-02", "1970-01-03"])}))["day"]
    assert (column.minimum, column.maximum) == (86_400.0, 172_800.0)


def test_times_with_a_zone_become_utc_without_one():
    X = pd.DataFrame({"day": pd.to_datetime(["2020-01-01 00:30"]).tz_localize("Europe/Berlin")})
    assert Schema.infer(X).conform(X)["day"].iloc[0] == pd.Timestamp("2019-12-31 23:30")


def test_a_time_is_read_from_iso_text():
    conformed = Schema.infer(table()).conform(table().assign(since=["2024-03-31", "2024-04-01T12:00", None]))
    assert conformed["since"].iloc[1] == pd.Timestamp("2024-04-01 12:00")


def test_a_number_is_read_from_text_where_a_number_was_declared():
    conformed = Schema.infer(table()).conform(table().assign(income=["12.5", None, "3"]))
    np.testing.assert_array_equal(conformed["income"], [12.5, np.nan, 3.0])


def test_an_unseen_category_is_no_error():
    assert Schema.infer(table()).conform(table().assign(job="pilot"))["job"].tolist() == ["pilot"] * 3


def test_protected_and_ignored_columns_are_no_features_and_may_be_absent_later():
    schema = Schema.infer(table().assign(sex="f", row=[1, 2, 3]), protected=["sex"], ignored=["row"])
    assert schema.feature_names == ("income", "job", "owner", "since")
    assert (schema["sex"].role, schema["row"].role) == ("protected", "ignored")
    assert list(schema.conform(table())) == list(schema.conform(table().assign(sex="m"))) == list(table())


def test_cells_of_an_ignored_column_are_not_read():
    schema = Schema.infer(table().assign(note=[[1], [2], [3]]), ignored=["note"])
    assert schema["note"] == Column("note", "category", role="ignored")


def test_special_codes_of_a_column_of_words_are_refused():
    with pytest.raises(SchemaError, match="special_codes of column 'job' need a numeric column, got category"):
        Schema.infer(table(), special_codes={"job": [-9]})


def test_special_codes_of_another_type_are_refused():
    with pytest.raises(TypeError, match=r"special_codes must be a mapping by column, 'auto' or None, got \[-9\]"):
        Schema.infer(table(), special_codes=[-9])


def test_text_in_a_numeric_column_is_counted_and_its_first_row_named():
    X = pd.DataFrame({"income": ["1", "n/a", "2", "?"]}, index=[10, 17, 18, 19])
    schema = Schema((Column("income", "numeric"),))
    (problem,) = problems_of(X, schema)
    assert problem == (
        "Column 'income' must be numeric, got text in 2 rows (first: 'n/a' in row 17). "
        "Declare it as kind='category' or clean it."
    )


def test_row_offset_shifts_the_row_numbers_of_a_chunk():
    schema = Schema((Column("income", "numeric"),))
    with pytest.raises(SchemaError, match="in row 1002"):
        schema.conform(pd.DataFrame({"income": [1, 2, "n/a"]}), row_offset=1000)


def test_infinite_values_are_counted_and_the_first_row_named():
    (problem,) = problems_of(table().assign(income=[1.0, -np.inf, np.inf]))
    assert "'income' must be finite, got infinity in 2 rows (first: -inf in row 1)" in problem


def test_missing_column_is_named():
    assert problems_of(table().drop(columns="job"))[0].startswith("Column 'job' is missing.")


def test_unknown_column_is_named_with_the_one_it_may_be():
    problems = problems_of(table().rename(columns={"income": "incme"}))
    assert "Column 'incme' is unknown (is it 'income'?)." in problems[1]


def test_doubled_column_is_named():
    X = table()
    assert "Column 'job' appears more than once" in problems_of(pd.concat([X, X[["job"]]], axis=1))[0]


def test_empty_frame_is_refused():
    assert "at least one row" in problems_of(table().iloc[:0])[0]


def test_column_names_that_are_not_text_are_refused():
    with pytest.raises(SchemaError, match="Column names must be text, got 3"):
        Schema.infer(table().rename(columns={"job": 3}))


def test_numbers_where_only_words_were_seen_are_refused():
    (problem,) = problems_of(table().assign(job=[1, 2, 3]))
    assert problem.startswith("Column 'job' must be text, got numbers in 3 rows.")


def test_a_text_column_that_is_all_missing_later_is_accepted():
    assert Schema.infer(table()).conform(table().assign(job=np.nan))["job"].tolist() == [None] * 3


def test_text_in_a_boolean_column_is_refused():
    (problem,) = problems_of(table().assign(owner=["yes", "no", None]))
    assert "'owner' must be true or false, got text in 2 rows (first: 'yes' in row 0)" in problem


def test_a_two_in_a_boolean_column_is_refused():
    assert "got numbers in 1 row (first: 2.0 in row 2)" in problems_of(table().assign(owner=[0, 1, 2]))[0]


@pytest.mark.parametrize(("cell", "got"), [("soon", "text"), (3.5, "numbers"), ("31.12.2020", "text")])
def test_what_is_no_date_in_a_time_column_is_refused(cell, got):
    X = table().astype({"since": object})
    X.loc[1, "since"] = cell
    assert f"must be a date, got {got} in 1 row (first: {cell!r} in row 1)" in problems_of(X)[0]


def test_dates_beyond_nanoseconds_are_refused_not_wrapped():
    X = table().assign(since=np.array(["0900-01-01", "2020-01-01", "2021-01-01"], dtype="datetime64[s]"))
    assert "'since' must be a date, got dates in 1 row" in problems_of(X)[0]


def test_lists_in_a_column_are_refused():
    with pytest.raises(SchemaError, match=r"Column 'tags' must hold numbers, text, booleans or dates.*\[1\]"):
        Schema.infer(pd.DataFrame({"tags": [[1], [2]]}))
    with pytest.raises(SchemaError, match="Column 'job' must be text, got list objects in 1 row"):
        Schema.infer(table()).conform(table().assign(job=["clerk", [1], None]))


@pytest.mark.parametrize("values", [pd.to_timedelta([1, 2], unit="D"), [1j, 2j], [b"a", b"b"]])
def test_what_no_kind_can_hold_is_refused(values):
    with pytest.raises(SchemaError, match="Column 'x' must hold numbers, text, booleans or dates"):
        Schema.infer(pd.DataFrame({"x": values}))


def test_everything_wrong_is_listed_at_once():
    X = table().assign(owner="maybe", income=["1", "n/a", "inf"], extra=1).drop(columns="since")
    problems = problems_of(X)
    assert [problem.split(",")[0] for problem in problems] == [
        "Column 'since' is missing. Add it",
        "Column 'extra' is unknown. Drop it",
        "Column 'income' must be numeric",
        "Column 'income' must be finite",
        "Column 'owner' must be true or false",
    ]


def test_declarations_about_absent_columns_and_wrong_kinds_are_listed_at_once():
    with pytest.raises(SchemaError) as caught:
        Schema.infer(table(), kinds={"jop": "category", "job": "word"}, protected=["sex"], special_codes={"age": [-9]})
    assert [problem.split(" is declared")[0] for problem in caught.value.problems[:3]] == [
        "Column 'age'",
        "Column 'jop'",
        "Column 'sex'",
    ]
    assert "kind of column 'job' must be one of" in caught.value.problems[3]


def test_an_array_is_no_frame():
    with pytest.raises(TypeError, match="X must be a pandas DataFrame, got ndarray"):
        Schema.infer(np.zeros((2, 2)))


def test_auto_special_codes_are_stored_and_warned_of():
    X = pd.DataFrame({"months": [0, 3, 12, 7] * 10 + [-9] * 5})
    with pytest.warns(DataWarning, match="'months': -9"):
        schema = Schema.infer(X, special_codes="auto")
    assert schema["months"].special_codes == (-9.0,)


def test_schema_survives_json():
    schema = Schema.infer(table().assign(sex="f"), protected=["sex"], special_codes={"income": [-9, 98]})
    assert Schema.from_dict(json.loads(json.dumps(schema.to_dict()))) == schema


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ([], "the schema must be an object"),
        ({}, "lacks the field 'columns'"),
        ({"columns": [], "version": 3}, "unknown field 'version'"),
        ({"columns": "job"}, "columns of the schema must be a list"),
        ({"columns": [{"name": "job", "kind": "category", "colour": 1}]}, "unknown field 'colour'"),
        ({"columns": [{"name": "job"}]}, "lacks the field 'kind'"),
        ({"columns": [{"name": "job", "kind": "image"}]}, "kind of column 'job' must be one of"),
        ({"columns": [{"name": "job", "kind": "category", "role": "target"}]}, "role of column 'job' must be one of"),
        ({"columns": [{"name": "job", "kind": "category", "categories": "ab"}]}, "categories of a column"),
        ({"columns": [{"name": "job", "kind": "category"}] * 2}, "different names"),
    ],
)
def test_json_that_is_not_a_schema_is_refused_by_field(state, message):
    with pytest.raises(ValueError, match=message):
        Schema.from_dict(state)


def test_schema_reads_as_a_table_in_a_notebook():
    frame = Schema.infer(table()).to_frame()
    assert frame.loc["job", "n_categories"] == 2
    assert frame.loc["since", "minimum"] == pd.Timestamp("2020-01-01")


def test_schema_knows_its_columns_by_name():
    schema = Schema.infer(table())
    assert len(schema) == 4
    assert "job" in schema
    assert "pilot" not in schema


def test_one_row_conforms_in_milliseconds_and_a_large_table_well_under_a_second():
    rng = np.random.default_rng(0)
    numbers = {f"n{i}": rng.normal(size=150_000) for i in range(8)}
    words = {f"w{i}": rng.choice(["a", "b", "c"], 150_000) for i in range(3)}
    X = pd.DataFrame({**numbers, **words})
    schema = Schema.infer(X)
    assert _best_seconds(lambda: schema.conform(X), repeats=3) < 1.0
    assert _best_seconds(lambda: schema.conform_arrays(X.iloc[[7]]), repeats=20) < 0.005  # 0.3 ms on an idle core


def _best_seconds(call, *, repeats: int) -> float:
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return min(seconds)
