"""Contrast and colour distance, recomputed from the style sheet: WCAG 2 ratios, OKLab, Viénot's colour blindness."""

import re
from functools import cache
from importlib.resources import files

import numpy as np
import pytest

CSS = files("appkit.reporting").joinpath("page.css").read_text(encoding="utf-8")
THEMES = ("light", "dark")
TEXT = ("ink", "ink2", "ink3", "link", "up", "down", "ok", "warn", "bad", "mark")
GRAPHICS = ("axis", "mark", "markf", "upf", "downf", "q0", "q1", "q2", "q3", "q4")
# linear RGB as a protanope and a deuteranope see it (Viénot, Brettel, Mollon 1999), and a tritanope (Brettel 1997)
BLINDNESS = {
    "normal": np.eye(3),
    "protanopia": np.array([[0.11238, 0.88762, 0.0], [0.11238, 0.88762, 0.0], [0.00401, -0.00401, 1.0]]),
    "deuteranopia": np.array([[0.29275, 0.70725, 0.0], [0.29275, 0.70725, 0.0], [-0.02234, 0.02234, 1.0]]),
    "tritanopia": np.array([[1.01277, 0.13548, -0.14826], [-0.01243, 0.86812, 0.14431], [0.07589, 0.80500, 0.11911]]),
}
LMS = np.array([[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566],
                [0.0883024619, 0.2817188376, 0.6299787005]])  # fmt: skip
LAB = np.array([[0.2104542553, 0.7936177850, -0.0040720468], [1.9779984951, -2.4285922050, 0.4505937099],
                [0.0259040371, 0.7827717662, -0.8086757660]])  # fmt: skip


@cache
def tokens(theme: str) -> dict[str, str]:
    start = CSS.index(":root {") if theme == "light" else CSS.index(":root[data-theme=dark] {")
    return dict(re.findall(r"--(\w+): (#[0-9a-f]{6});", CSS[start : CSS.index("}", start)]))


def linear(colour: str) -> np.ndarray:
    channels = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def contrast(a: str, b: str) -> float:
    bright, dim = sorted((float(linear(colour) @ [0.2126, 0.7152, 0.0722]) for colour in (a, b)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def distance(a: str, b: str, sight: str) -> float:
    one, other = (LAB @ np.cbrt(LMS @ np.clip(BLINDNESS[sight] @ linear(colour), 0, 1)) for colour in (a, b))
    return 100 * float(np.linalg.norm(one - other))


def test_contrast_of_black_on_white_is_twenty_one():
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)


def test_distance_of_black_and_white_is_a_hundred():
    assert distance("#000000", "#ffffff", "normal") == pytest.approx(100.0, abs=0.01)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("name", TEXT)
def test_text_reads_on_paper_and_surface(theme, name):
    colours = tokens(theme)
    assert min(contrast(colours[name], colours[ground]) for ground in ("paper", "surface")) >= 4.5


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("name", ["ink", "ink2", "ink3"])
def test_text_reads_on_the_own_row(theme, name):
    assert contrast(tokens(theme)[name], tokens(theme)["sunk"]) >= 4.5


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("name", ["ok", "warn", "bad"])
def test_status_reads_on_its_own_tint(theme, name):
    assert contrast(tokens(theme)[name], tokens(theme)[f"{name}bg"]) >= 5.4


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("name", GRAPHICS)
def test_graphics_stand_out_from_paper(theme, name):
    assert contrast(tokens(theme)[name], tokens(theme)["paper"]) >= 3.0


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("name", ["markf", "upf", "downf"])
def test_a_whisker_stands_out_from_its_bar(theme, name):
    assert contrast(tokens(theme)["ink"], tokens(theme)[name]) >= 3.8


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("sight", BLINDNESS)
def test_up_and_down_differ_for_every_eye(theme, sight):
    assert distance(tokens(theme)["up"], tokens(theme)["down"], sight) >= 15


@pytest.mark.parametrize("theme", THEMES)
def test_high_values_are_farthest_from_the_background(theme):
    paper = tokens(theme)["paper"]
    ratios = [contrast(tokens(theme)[f"q{i}"], paper) for i in range(5)]
    assert ratios == sorted(ratios)


def test_both_ways_to_the_dark_theme_agree():
    start = CSS.index(":root:not([data-theme=light]) {")
    preferred = dict(re.findall(r"--(\w+): (#[0-9a-f]{6});", CSS[start : CSS.index("}", start)]))
    assert preferred == tokens("dark")
    assert set(tokens("light")) == set(tokens("dark"))


def test_colours_stand_in_tokens_only():
    rules = CSS[CSS.index("*{box-sizing") : CSS.index("@media print")]
    assert re.findall(r"#[0-9a-fA-F]{3,8}\b(?![^{]*\{)", rules) == []


def test_dark_tokens_never_reach_the_printer():
    assert re.findall(r"@media (\w+)[^{]*\{\s*:root[:\[]", CSS) == ["screen", "screen"]


def test_every_class_the_page_uses_is_styled(credit_page):
    body = credit_page[credit_page.index("<body>") : credit_page.index("<script>")]
    used = {name for names in re.findall(r' class="([^"]+)"', body) for name in names.split()}
    bare = {name for name in used if not re.search(rf"\.{re.escape(name)}(?![\w-])", CSS)}
    assert bare <= {"js"}
