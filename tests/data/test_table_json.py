"""A table written as JSON comes back as it was, or is refused by column."""

import datetime
import json
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from appkit.data.cell_json import cell_from_json, cell_to_json
from appkit.data.table_json import frame_from_json, frame_to_json

STAMPS = ["2020-03-01T12:00:00.000001", None, "2021-05-05"]
COLUMNS = {
    "int64": [1, 2, 3],
    "uint8": np.array([1, 2, 255], dtype="uint8"),
    "float64": [1.5, np.nan, -np.inf],
    "float32": np.array([0.1, 0.2, np.nan], dtype="float32"),
    "bool": [True, False, True],
    "text": ["a", None, "ü"],
    "objects": pd.Series(["a", None, 1], dtype=object),
    "dates": pd.Series([datetime.date(2020, 1, 1), None, datetime.date(2021, 1, 1)], dtype=object),
    "decimals": pd.Series([Decimal("1.50"), None, Decimal(2)], dtype=object),
    "string": pd.array(["a", None, "b"], dtype="string"),
    "Int64": pd.array([1, None, 2], dtype="Int64"),
    "boolean": pd.array([True, None, False], dtype="boolean"),
    "time": pd.to_datetime(pd.Series(STAMPS), format="ISO8601"),
    "zoned": pd.to_datetime(pd.Series(STAMPS), format="ISO8601").dt.tz_localize("Europe/Berlin"),
    "offset": pd.to_datetime(pd.Series(["2020-01-01T00:00:00+01:00"] * 3)),
    "category": pd.Categorical(["x", None, "y"]),
    "ordered": pd.Categorical([3, 1, None], categories=[3, 2, 1], ordered=True),
    "intervals": pd.cut(pd.Series([1.0, 2.0, 3.0]), 2),
    "periods": pd.period_range("2020Q1", periods=3, freq="Q"),
    "arrow": pd.array([1, 2, None], dtype="int64[pyarrow]"),
    "arrow time": pd.array([pd.Timestamp("2020")] * 3, dtype="timestamp[us][pyarrow]"),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_column_comes_back_with_its_dtype(name):
    frame = pd.DataFrame({name: COLUMNS[name]})
    text = json.dumps(frame_to_json(frame), allow_nan=False)
    pd.testing.assert_frame_equal(frame_from_json(json.loads(text)), frame)


def test_text_comes_back_in_the_default_storage():
    frame = pd.DataFrame({"text": pd.array(["a", None], dtype="string[python]")})
    assert frame_from_json(frame_to_json(frame))["text"].equals(pd.Series(["a", None], dtype="string"))


@pytest.mark.parametrize("cells", [[b"x"], [["a list"]], [np.timedelta64(1, "s")]])
def test_column_that_cannot_be_written_is_named(cells):
    with pytest.raises(ValueError, match=r"Column 'odd' must come back from JSON"):
        frame_to_json(pd.DataFrame({"odd": pd.Series(cells, dtype=object)}))


def test_index_that_would_be_lost_is_refused():
    with pytest.raises(ValueError, match="reset_index"):
        frame_to_json(pd.DataFrame({"x": [1]}, index=[7]))


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"name": "x", "dtype": "int64", "values": [1, 2]}, "must have 1 values"),
        ({"name": "x", "dtype": "complex128", "values": [1]}, "cannot have dtype 'complex128'"),
        ({"name": "x", "dtype": "int64"}, "lacks the field 'values'"),
        ({"name": "x", "dtype": "int64", "values": [1], "code": ""}, "unknown field 'code'"),
        ({"name": "x", "dtype": "object", "values": [{"$eval": "1"}]}, "must be plain or tagged"),
    ],
)
def test_json_that_is_no_column_is_refused(entry, message):
    with pytest.raises(ValueError, match=message):
        frame_from_json({"n_rows": 1, "columns": [entry]})


@pytest.mark.parametrize("cell", [pd.NaT, pd.NA, pd.Timestamp("2020", tz="UTC"), datetime.datetime(2020, 1, 1, 3)])
def test_cell_comes_back_as_the_same_type(cell):
    again = cell_from_json(json.loads(json.dumps(cell_to_json(cell))))
    assert type(again) is type(cell)
    assert str(again) == str(cell)


def test_numpy_scalar_becomes_the_python_value():
    assert cell_to_json(np.int64(3)) == 3
    assert type(cell_to_json(np.bool_(True))) is bool
