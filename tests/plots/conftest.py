"""Plots on a canvas without a screen, each closed after its test."""

import matplotlib as mpl
import pytest


@pytest.fixture(autouse=True)
def quiet_canvas():
    """Draw with Agg, and leave settings and figures as they were found."""
    mpl.use("Agg")
    import matplotlib.pyplot as plt

    before = dict(mpl.rcParams)
    yield
    assert dict(mpl.rcParams) == before
    plt.close("all")
