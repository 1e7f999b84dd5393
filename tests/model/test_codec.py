"""Values written by the codec come back equal; nothing else is ever made."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from appkit.model.calibration import AffineCalibration
from appkit.model.codec import ValueReader, ValueWriter
from appkit.model.costs import Costs
from appkit.model.heads import HazardHead, MulticlassHead, QuantileHead, RegressionHead


@dataclass(frozen=True)
class Tariff:
    rates: tuple[float, ...]


VALUES = {
    "scalars": [None, True, 3, 2.5, "text"],
    "not finite": {"a": float("inf")},
    "tuple in dict": {"x": (1, (2, "b"))},
    "keys that are no text": {0: 1.0, "a": 2.0, 1.5: 3.0},
    "keys like tags": {"$tuple": [1]},
    "path": Path("folder/file.ckpt"),
    "costs": Costs(missed_event=5, false_alarm=1, currency="EUR"),
    "calibration": AffineCalibration(1.25, (0.5, -0.5)),
    "heads": [MulticlassHead(3), RegressionHead(1.0, 2.0), RegressionHead(1.0, 2.0, low=0.0, high=125.0)],
    "quantile head": QuantileHead(1.0, 2.0, levels=(0.1, 0.5), high=125.0),
    "hazard head": HazardHead((10.0, 20.0), start=(-1.0, 0.5)),
}


@pytest.mark.parametrize("name", VALUES)
def test_value_comes_back_equal(name):
    writer = ValueWriter()
    text = json.dumps(writer.write(VALUES[name], at="here"), allow_nan=False)
    assert ValueReader(writer.tensors).read(json.loads(text)) == VALUES[name]


@pytest.mark.parametrize(
    "array",
    [
        np.array([0.1, np.nan, np.inf]),
        np.arange(6, dtype=">i4").reshape(2, 3),
        np.array([], dtype=np.float64),
        np.array([True, False]),
        np.array(["a", "bcd"], dtype="<U5"),
        np.array(["a", None, 3], dtype=object),
    ],
    ids=lambda array: str(array.dtype),
)
def test_array_comes_back_with_shape_and_dtype(array):
    writer = ValueWriter()
    node = json.loads(json.dumps(writer.write([array], at="scores_"), allow_nan=False))
    again = ValueReader(writer.tensors).read(node)[0]
    np.testing.assert_array_equal(again, array)
    assert again.dtype == array.dtype.newbyteorder("=")


def test_array_is_copied_not_shared():
    values = np.zeros(2)
    writer = ValueWriter()
    writer.write(values, at="x_")
    values[0] = 1
    assert writer.tensors["x_"].tolist() == [0, 0]


@pytest.mark.parametrize("value", [{1, 2}, len, object(), np.array(["2020"], dtype="M8[D]"), Tariff((0.5,))])
def test_value_of_another_type_is_refused_with_its_place(value):
    with pytest.raises(TypeError, match=r"parameter odd\.0"):
        ValueWriter().write([value], at="parameter odd")


def test_dataclass_of_a_domain_is_written_and_read_where_it_is_named():
    node = ValueWriter((Tariff,)).write(Tariff((0.5,)), at="tariff")
    assert ValueReader({}, (Tariff,)).read(node) == Tariff((0.5,))
    with pytest.raises(ValueError, match="'Tariff' is not among"):
        ValueReader({}).read(node)


def test_unknown_field_of_a_dataclass_is_named():
    with pytest.raises(ValueError, match="unknown field 'code'"):
        ValueReader({}).read({"$object": {"class": "Costs", "fields": {"code": 1}}})
