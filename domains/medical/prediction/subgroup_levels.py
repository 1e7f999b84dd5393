"""Which subgroup an image belongs to: sexes and sites as they are named, ages in bands, numbers in quarters."""

import re
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import pandas as pd

__all__ = ["age_bands", "age_in_years", "subgroup_levels"]

_DICOM_AGE = re.compile(r"\s*(\d{1,3})([DWMY])\s*")  # value representation AS
_NAMED_AGE = re.compile(r"(?:(?<![A-Za-z])[Aa]ge|[a-z]Age|(?<![A-Za-z])AGE)(?![a-z])")
_YEARS = {"D": 1 / 365.25, "W": 7 / 365.25, "M": 1 / 12, "Y": 1.0}
_MISSING = "missing"
_MOST_LEVELS = 24
_MOST_NUMBERS = 10  # distinct ones that stand for themselves


def subgroup_levels(values: pd.Series, *, name: str = "") -> pd.Categorical:
    """Return the subgroup of each row, ordered; rows without a value are ``"missing"``, the last.

    Ages (named so, or as DICOM writes them) are put into bands, other numbers of more than ten values into quarters.

    Raises
    ------
    ValueError
        For a column of so many texts that it names images or patients, not subgroups.

    Examples
    --------
    >>> list(subgroup_levels(pd.Series(["F", "M", None, "F"])).categories)
    ['F', 'M', 'missing']
    >>> list(subgroup_levels(pd.Series(["034Y", "071Y", "006M"]), name="age"))
    ['18 to 39', '60 to 79', 'under 18']
    """
    column = pd.Series(values).reset_index(drop=True)
    if _is_age(column, name):
        return age_bands(column)
    numeric = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
    if numeric and column.nunique() > _MOST_NUMBERS:
        numbers = column.to_numpy(dtype=np.float64, na_value=np.nan)
        cuts = np.unique(np.nanquantile(numbers, [0.25, 0.5, 0.75]))
        return _in_bands(numbers, cuts, words=lambda low, high: _open_band(low, high, f"{low:g} to under {high:g}"))
    levels = _levels_present(column)
    if len(levels) > _MOST_LEVELS:
        raise ValueError(
            f"Column {name!r} must name subgroups, got {len(levels)} levels in {len(column)} rows (first: "
            f"{str(levels[0])!r}). Leave it out, or merge its levels into at most {_MOST_LEVELS}."
        )
    return _ordered(column.astype(object).map(_word).fillna(_MISSING), [_word(level) for level in levels])


def age_bands(ages: pd.Series | Sequence[object], *, edges: Sequence[float] = (18, 40, 60, 80)) -> pd.Categorical:
    """Return the band of each age, ordered.

    Parameters
    ----------
    ages
        Years, or texts as DICOM has them (``"034Y"``, ``"006M"``); anything else is missing.
    edges
        First year of each band but the lowest, rising.

    Examples
    --------
    >>> list(age_bands([17.9, 18, 80, None]))
    ['under 18', '18 to 39', '80 or more', 'missing']
    """
    cuts = np.asarray(edges, dtype=np.float64)
    if not len(cuts) or (np.diff(cuts) <= 0).any():
        raise ValueError(f"edges must be ages that rise, got {list(edges)}.")
    years = age_in_years(ages)
    return _in_bands(years, cuts, words=lambda low, high: _open_band(low, high, f"{low:g} to {high - 1:g}"))


def age_in_years(ages: pd.Series | Sequence[object]) -> np.ndarray:
    """Return ages as numbers, float64 ``(n_rows,)``; what is no age is NaN.

    Examples
    --------
    >>> age_in_years([61, "034Y", "006M", "unknown", None])
    array([61. , 34. ,  0.5,  nan,  nan])
    """
    return np.array([_years(age) for age in pd.Series(ages, dtype=object)], dtype=np.float64)


def _levels_present(column: pd.Series) -> list[object]:
    """Return the values found, in the order of the categories where there is one, else sorted."""
    present = column.dropna()
    if isinstance(column.dtype, pd.CategoricalDtype):
        return [level for level in column.cat.categories if (present == level).any()]
    return sorted(present.unique().tolist(), key=lambda level: (str(type(level)), level))


def _years(age: object) -> float:
    if isinstance(age, str) and (found := _DICOM_AGE.fullmatch(age.upper())):
        return int(found[1]) * _YEARS[found[2]]
    try:
        return float(age)  # type: ignore[arg-type]  # what cannot be read is missing
    except (TypeError, ValueError):
        return np.nan


def _is_age(column: pd.Series, name: str) -> bool:
    if pd.api.types.is_bool_dtype(column):
        return False
    if pd.api.types.is_numeric_dtype(column):
        return _NAMED_AGE.search(name) is not None
    texts = column.dropna()
    return len(texts) > 0 and all(isinstance(text, str) and _DICOM_AGE.fullmatch(text.upper()) for text in texts)


def _in_bands(numbers: np.ndarray, cuts: np.ndarray, *, words: Callable[[float, float], str]) -> pd.Categorical:
    edges = [-np.inf, *cuts.tolist(), np.inf]
    names = [words(low, high) for low, high in pairwise(edges)]
    band = np.searchsorted(cuts, numbers, side="right")
    labels = np.where(np.isnan(numbers), _MISSING, np.array(names, dtype=object)[band])
    return _ordered(pd.Series(labels, dtype=object), names)


def _open_band(low: float, high: float, between: str) -> str:
    if low == -np.inf:
        return f"under {high:g}"
    return f"{low:g} or more" if high == np.inf else between


def _word(level: object) -> object:
    """Return what a level is called: whole numbers without a point, as a gap in a column makes them decimal."""
    if level is None or level is pd.NA or level != level:
        return None
    return f"{level:g}" if isinstance(level, float) else str(level)


def _ordered(labels: pd.Series, levels: Sequence[object]) -> pd.Categorical:
    present = set(labels)
    kept = [level for level in dict.fromkeys([*levels, _MISSING]) if level in present]
    return pd.Categorical(labels, categories=kept, ordered=True)
