"""What each kind of peer needs before it can read a raw table; fitted inside the timed part, as a user would."""

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

__all__ = ["NativeCategories", "imputed_categories", "one_hot"]


class NativeCategories(TransformerMixin, BaseEstimator):
    """Turn text columns into pandas categories known from training and name columns ``c0``, ``c1``, ...

    XGBoost refuses brackets in column names; trees take the categories and the missing cells as they are.

    Examples
    --------
    >>> frame = pd.DataFrame({"a [K]": [1, 2], "b": ["u", None]})
    >>> list(NativeCategories().fit_transform(frame).columns)
    ['c0', 'c1']
    """

    def fit(self, X: pd.DataFrame, y: np.ndarray | None = None) -> "NativeCategories":
        """Learn the categories of each text column."""
        self.categories_ = [None if _is_number(X[name]) else sorted(X[name].dropna().unique()) for name in X.columns]
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return float and category columns; a category not seen in training becomes missing."""
        columns = {
            f"c{i}": _as_float(X.iloc[:, i]) if known is None else _as_category(X.iloc[:, i], known)
            for i, known in enumerate(self.categories_)
        }
        return pd.DataFrame(columns, index=X.index)


def one_hot() -> ColumnTransformer:
    """Return the usual encoder of linear models: impute with indicator, standardise, one-hot."""
    numbers = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    categories = OneHotEncoder(handle_unknown="ignore")  # a missing cell is a category of its own
    return ColumnTransformer(
        [
            ("numbers", numbers, make_column_selector(dtype_include="number")),
            ("categories", categories, make_column_selector(dtype_exclude="number")),
        ],
        sparse_threshold=0.0,
    )


def imputed_categories() -> ColumnTransformer:
    """Return an encoder for networks that embed categories themselves but cannot take missing numbers."""
    numbers = SimpleImputer(strategy="median", add_indicator=True)
    encoder = ColumnTransformer(
        [
            ("numbers", numbers, make_column_selector(dtype_include="number")),
            ("categories", _NamedMissing(), make_column_selector(dtype_exclude="number")),
        ],
        verbose_feature_names_out=False,
    )
    return encoder.set_output(transform="pandas")


class _NamedMissing(TransformerMixin, BaseEstimator):
    """Make text columns categories, a missing cell one of them."""

    def fit(self, X: pd.DataFrame, y: np.ndarray | None = None) -> "_NamedMissing":
        self.names_ = np.asarray(X.columns, dtype=object)
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        return X.astype(object).where(X.notna(), "missing").astype("category")

    def get_feature_names_out(self, input_features: np.ndarray | None = None) -> np.ndarray:
        return self.names_


def _is_number(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column)


def _as_float(column: pd.Series) -> np.ndarray:
    return column.to_numpy(dtype=np.float64, na_value=np.nan)


def _as_category(column: pd.Series, known: list) -> pd.Categorical:
    cells = column.astype(object).where(column.isin(known), None)
    return pd.Categorical(cells, categories=known)
