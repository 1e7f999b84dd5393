"""Limits as typed on a command line."""

import pytest
import typer

from appkit.commands.limits import parse_limits


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("AUC>=0.75", {"AUC": (0.75, None)}),
        ("PSI <= 1e-1", {"PSI": (None, 0.1)}),
        ("Calibration slope=0.7..1.3", {"Calibration slope": (0.7, 1.3)}),
        ("Calibration in the large = -.5 .. .5", {"Calibration in the large": (-0.5, 0.5)}),
    ],
)
def test_each_form_gives_its_range(text, expected):
    assert parse_limits([text]) == expected


@pytest.mark.parametrize("text", ["AUC", "AUC=0.7", ">=0.7", "AUC>0.7", "AUC>=", "AUC==0.7", "0.7<=AUC<=0.9"])
def test_another_form_is_refused_with_the_three_that_are_known(text):
    with pytest.raises(typer.BadParameter, match=r"'NAME>=x', 'NAME<=x' or 'NAME=low..high'"):
        parse_limits([text])


@pytest.mark.parametrize("text", ["AUC>=high", "AUC<=nan", "AUC=0.7..inf"])
def test_an_end_that_is_no_number_is_refused(text):
    with pytest.raises(typer.BadParameter, match="must have a number"):
        parse_limits([text])


def test_a_range_runs_upwards():
    with pytest.raises(typer.BadParameter, match="must not go from high to low"):
        parse_limits(["AUC=0.9..0.7"])


def test_a_name_is_limited_once():
    with pytest.raises(typer.BadParameter, match="names 'AUC' twice"):
        parse_limits(["AUC>=0.7", "AUC<=0.9"])
