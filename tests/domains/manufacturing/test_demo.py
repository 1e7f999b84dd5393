"""The tour of manufacturing writes a page and names the pump that fails next and the sensors that show it."""

import importlib
from functools import partial

from appkit.reporting import Report
from domains.manufacturing import RemainingLifeRegressor, make_degradation

SMALL = {"max_epochs": 3, "n_networks": 1, "width": 8, "validation_fraction": 0.5}


def test_the_demo_writes_page_and_facts(tmp_path, monkeypatch, capsys):
    tour = importlib.import_module("domains.manufacturing.demo")  # the package offers the function under the same name
    monkeypatch.setattr(tour, "RemainingLifeRegressor", partial(RemainingLifeRegressor, **SMALL))
    monkeypatch.setattr(tour, "_N_PUMPS", 28)
    monkeypatch.setattr(tour, "_N_EXPLAINED", 4)
    html, json = tour.demo(tmp_path)
    assert (html.name, json.name) == ("maintenance.html", "maintenance.json")
    assert Report.from_json(json.read_text(encoding="utf-8")).to_html() == html.read_text(encoding="utf-8")
    said = capsys.readouterr().out
    assert "Root mean squared error" in said
    assert "Next to fail: pump " in said


def test_the_pump_named_next_still_ran():
    data = make_degradation(60)
    _, X_test, _, _ = data.split()
    assert (~data.failed[X_test["machine"].unique()]).sum() >= 2
