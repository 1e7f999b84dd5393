"""Fixtures shared by all tests: real data where they are, and one small credit table."""

import os
from pathlib import Path

import pandas as pd
import pytest
import torch

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Folder of the real data sets, ``$APPKIT_DATA``."""
    folder = os.environ.get("APPKIT_DATA")
    if folder and Path(folder).is_dir():
        return Path(folder)
    reason = f"APPKIT_DATA must name the folder of the real data sets, got {folder!r}."
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def german_credit_split() -> tuple[pd.DataFrame, pd.DataFrame, pd.Series, pd.Series]:
    """``X_train, X_test, y_train, y_test`` of the embedded German Credit data."""
    from domains.finance.data import load_german_credit

    return load_german_credit().split(random_state=0)
