"""The README is true to the letter: its Python runs, its commands exist."""

import re
from pathlib import Path

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def test_python_of_the_readme_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code = blocks("python")
    assert code
    namespace = {}
    for block in code:
        exec(compile(block, "README.md", "exec"), namespace)  # the tour is one story: later blocks use earlier names
    assert (tmp_path / "credit.html").exists()
    assert (tmp_path / "credit.appkit").exists()
    assert (tmp_path / "pumps.html").exists()
    assert (tmp_path / "scans.html").exists()
    assert (tmp_path / "shop.html").exists()


def test_make_targets_of_the_readme_exist():
    makefile = (Path(__file__).parents[1] / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"^make (\w+)", "\n".join(blocks("sh")), flags=re.MULTILINE)
    assert {"demo", "test"} <= set(targets)
    assert all(re.search(rf"^{target}:", makefile, flags=re.MULTILINE) for target in targets)


def test_pictures_of_the_readme_exist():
    pictures = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", README)
    assert pictures
    assert all((Path(__file__).parents[1] / picture).exists() for picture in pictures)
