from benchmarks import product
from benchmarks.product import Measurement


def test_a_figure_above_its_goal_is_called_missed():
    assert str(Measurement("wait", 6.0, "ms", goal=5)) == "wait: 6 ms (goal 5: missed)"


def test_a_part_that_does_not_exist_yet_is_skipped_with_its_reason(monkeypatch, capsys):
    def absent():
        raise AttributeError("module 'appkit' has no attribute 'report'")

    monkeypatch.setitem(product._PARTS, "report", absent)
    product.main(["--parts", "report"])
    assert capsys.readouterr().out == "report: not measured: module 'appkit' has no attribute 'report'\n"
