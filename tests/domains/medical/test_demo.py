"""The tour of medicine writes a page, and says how good the model is and whether it looks at the lesion."""

import importlib

from appkit.reporting import Report


def test_the_demo_writes_page_and_facts(tmp_path, monkeypatch, capsys):
    tour = importlib.import_module("domains.medical.demo")  # the package offers the function under the same name
    for name, value in {"_N_IMAGES": 60, "_WIDTH": 4, "_MAX_EPOCHS": 2}.items():
        monkeypatch.setattr(tour, name, value)
    html, json = tour.demo(tmp_path)
    assert (html.name, json.name) == ("imaging.html", "imaging.json")
    page = html.read_text(encoding="utf-8")
    assert Report.from_json(json.read_text(encoding="utf-8")).to_html() == page
    assert "data:image" in page
    said = capsys.readouterr().out
    assert "AUC 0." in said
    assert "go to the reader" in said
    assert "the true lesion" in said
