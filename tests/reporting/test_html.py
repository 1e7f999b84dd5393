import json
import re
from collections import Counter
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

from appkit.reporting import RENDERERS, Report, render_html
from appkit.reporting.facts import (
    Axis,
    Bar,
    BarRows,
    BeeswarmFigure,
    Block,
    DataTable,
    Figure,
    ImportanceFigure,
    ImportanceRow,
    Limit,
    Measure,
    NotFilled,
    Section,
    Step,
    WaterfallFigure,
    block_types,
)
from appkit.reporting.report import _write_whole

GOLDEN = Path(__file__).with_name("golden_small.html")
VOID = {"meta", "br", "input", "rect", "line", "circle", "path"}
LONG_NAME = "number_of_months_since_last_missed_paymen"


class Outline(HTMLParser):
    """Elements of a page in order, and whether every one is closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def all(self, tag):
        return [attrs for name, attrs in self.elements if name == tag]


@pytest.fixture(scope="module")
def outline(credit_page):
    return Outline(credit_page)


def page_of(report: Report, *blocks: Block) -> str:
    return render_html(replace(report, sections=(Section(key="s", title="S", question="?", blocks=blocks),)))


def test_two_renders_give_the_same_bytes(credit_report, credit_page):
    assert render_html(Report.from_json(credit_report.to_json())) == credit_page


def test_the_page_names_no_address(credit_page):
    assert "://" not in credit_page


def test_an_address_in_the_facts_is_shown_but_not_written(small_report):
    page = render_html(replace(small_report, lead="See https://example.org"))
    assert "://" not in page
    assert "https:&#47;/example.org" in page


def test_the_page_stays_small(credit_page):
    assert len(credit_page.encode()) < 200_000


def test_every_element_is_closed(outline):
    assert outline.open == []


def test_ids_are_unique(outline):
    counts = Counter(attrs["id"] for _, attrs in outline.elements if "id" in attrs)
    assert [name for name, n in counts.items() if n > 1] == []


def test_links_and_labels_point_at_something(outline):
    names = {attrs["id"] for _, attrs in outline.elements if "id" in attrs}
    targets = {attrs["href"][1:] for attrs in outline.all("a")}
    for attrs in (attrs for _, attrs in outline.elements if "aria-labelledby" in attrs):
        targets |= set(attrs["aria-labelledby"].split())
    assert targets <= names


def test_one_h1_and_no_heading_level_is_skipped(outline):
    levels = [int(tag[1]) for tag, _ in outline.elements if re.fullmatch("h[1-6]", tag)]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))


def test_landmarks_and_language_are_there(outline):
    tags = [tag for tag, _ in outline.elements]
    assert {"main", "nav", "footer", "header"} <= set(tags)
    assert outline.all("html") == [{"lang": "en"}]
    assert outline.all("a")[0]["class"] == "skip"


def test_nothing_runs_or_loads_but_what_the_policy_pins(outline):
    policy = next(attrs["content"] for attrs in outline.all("meta") if "http-equiv" in attrs)
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert not [attrs for _, attrs in outline.elements if "style" in attrs or any(name[:2] == "on" for name in attrs)]


def test_every_figure_has_a_twin_with_a_caption(credit_page):
    figures = re.findall(r"<figure .*?</figure>", credit_page, flags=re.S)
    assert len(figures) == 13
    for figure in figures:
        assert re.search(r"<details class=\"twin\">.*<caption><span>[^<]+</span></caption>", figure, flags=re.S)


def test_every_drawing_has_words_or_is_hidden(credit_page):
    for start in re.findall(r"<svg[^>]*>", credit_page):
        assert 'aria-hidden="true"' in start or 'role="img"' in start
    for start in re.findall(r'<div class="rows[^>]*>', credit_page):
        assert re.search(r'role="img" aria-label="[^"]{20,}"', start)


def test_figures_and_tables_are_numbered_in_order(credit_page):
    assert re.findall(r">Figure (\d+)<", credit_page) == [str(i) for i in range(1, 14)]
    captions = re.findall(r"<caption><span>Table (\d+)\.", credit_page)
    assert captions == [str(i) for i in range(1, len(captions) + 1)]


def test_table_headings_have_a_scope(outline):
    assert all(attrs.get("scope") in ("col", "row") for attrs in outline.all("th"))


def test_scrolling_regions_can_be_reached_and_have_a_name(outline):
    regions = [attrs for _, attrs in outline.elements if attrs.get("class") == "scroll"]
    assert regions
    assert all(attrs["tabindex"] == "0" and attrs["aria-label"] for attrs in regions)


def test_no_cell_is_empty_but_drawn_ones(credit_page):
    assert not re.findall(r"<t[dh](?! class=\"g)[^>]*></t[dh]>", credit_page)
    assert not re.findall(r">(nan|None|inf)<", credit_page)


def test_text_cannot_become_markup(credit_report):
    evil = '<script>alert("x")</script>'
    text = credit_report.to_json()
    for word in ("Credit utilisation", "Age: under 26", "Credit default within 12 months", "AUC", "Model hash"):
        text = text.replace(json.dumps(word)[1:-1], json.dumps(evil)[1:-1])
    page = Report.from_json(text).to_html()
    assert page.count("<script>") == 1
    assert "&lt;script&gt;" in page


def test_text_cannot_leave_the_style_sheet(small_report):
    page = render_html(replace(small_report, running_head='"}</style><script>x'))
    assert page.count("</style>") == 1
    assert page.count("<script>") == 1


def test_a_small_page_reads_as_written(small_report):
    page = render_html(small_report)
    verdict = page[page.index('<div id="verdict">') : page.index("</main>")]
    assert verdict == GOLDEN.read_text(encoding="utf-8")


def test_a_block_without_renderer_is_named(small_report):
    with pytest.raises(TypeError, match="No renderer for block Figure"):
        page_of(small_report, Figure(key="k", finding="f", caption="c"))


def test_every_kind_of_block_has_a_renderer():
    own = {name for name, block in block_types().items() if block.__module__.startswith("appkit.")}
    assert own == {block.__name__ for block in RENDERERS}


def test_a_new_kind_of_block_needs_a_class_and_a_renderer(small_report, monkeypatch):
    @dataclass(frozen=True, kw_only=True)
    class Haiku(Block):
        line: str

    monkeypatch.setitem(RENDERERS, Haiku, lambda block, page: f"{block.line}")
    page = page_of(small_report, Haiku(line="old pond <frog>"))
    assert "old pond &lt;frog&gt;" in page


def test_gaps_side_by_side_become_one_table(small_report):
    gaps = [NotFilled(item=f"Item {i}", why="no data", argument="dates=") for i in range(3)]
    page = page_of(small_report, *gaps)
    assert page.count("What could not be filled</span>") == 1
    assert page.count("<code>dates=</code>") == 3


def test_a_lone_gap_says_what_would_fill_it(small_report):
    page = page_of(small_report, NotFilled(item="PSI", why="No dates.", fill="a date column", argument="dates="))
    assert '<h3 class="h4">PSI: not filled</h3><p>No dates. To fill it: <code>dates=</code> a date column</p>' in page


@pytest.mark.parametrize("n", [2, 30])
def test_row_charts_hold_two_and_thirty_rows_of_long_names(small_report, n):
    bars = tuple(Bar(f"{LONG_NAME}{i}", Measure(0.1, 0.05, 0.15)) for i in range(n))
    page = page_of(small_report, BarRows(key="b", finding="f", caption="c", axis=Axis("PSI"), bars=bars))
    assert page.count('<div class="r">') == n


def test_all_negative_values_hang_left_of_zero(small_report):
    bars = (Bar("a", Measure(-2.0, -3.0, -1.0)), Bar("b", Measure(-1.0, -1.5, -0.5)))
    page = page_of(small_report, BarRows(key="b", finding="f", caption="c", axis=Axis("Change"), bars=bars))
    assert re.findall(r'class="mk" x="([\d.]+%)" width="([\d.]+%)" y="50%" height="13"', page) == [
        ("33.3%", "66.7%"),
        ("66.7%", "33.3%"),
    ]


def test_intervals_of_no_width_are_drawn(small_report):
    bars = (Bar("a", Measure.exact(0.0)), Bar("b", Measure.exact(0.0)))
    page = page_of(
        small_report, BarRows(key="b", finding="f", caption="c", axis=Axis("PSI"), bars=bars, limit=Limit(high=0.1))
    )
    assert page.count('class="wk"') == 2


def test_the_cut_stands_below_the_last_reliable_rank(small_report):
    rows = tuple(
        ImportanceRow(name, "", i, i, Measure(0.03 - i / 100, 0.0, 0.03, unit="points")) for i, name in enumerate("abc")
    )
    page = page_of(
        small_report,
        ImportanceFigure(key="i", finding="f", caption="c", axis_label="p", rows=rows, reliable=1, n_columns=3),
    )
    assert page.index(">a<") < page.index('class="cut"') < page.index(">b<")
    assert page.count('class="hz" x') == 2


def test_a_ranking_that_holds_has_no_cut(small_report):
    rows = (ImportanceRow("a", "", 1, 1, Measure(0.03, 0.02, 0.04, unit="points")),)
    figure = ImportanceFigure(key="i", finding="f", caption="c", axis_label="p", rows=rows, reliable=1, n_columns=1)
    assert 'class="cut"' not in page_of(small_report, figure)


def test_missing_values_have_a_mark_and_a_key(small_report, sample):
    row = sample.beeswarm("Age", low=-0.02, high=0.03)
    figure = BeeswarmFigure(key="b", finding="f", caption="c", axis_label="points", rows=(row,))
    hollow = replace(figure, rows=(replace(row, levels=(None, *row.levels[1:])),))
    assert "category without order" not in page_of(small_report, figure)
    assert "category without order" in page_of(small_report, hollow)


def test_a_waterfall_without_lime_has_one_panel(small_report):
    figure = WaterfallFigure(
        key="w",
        finding="f",
        caption="c",
        axis_label="p",
        average=0.2,
        output=0.1,
        steps=(Step("Age", "30", -0.1, 0.01),),
    )
    page = page_of(small_report, figure)
    assert "fall solo" in page
    assert "LIME" not in page[page.index("rows fall") : page.index("<details")]


def test_the_steps_of_a_low_loss_are_orange_where_they_lower(small_report):
    step = Step("Heat", "30", -0.1, 0.01)
    figure = WaterfallFigure(
        key="w", finding="f", caption="c", axis_label="p", average=0.2, output=0.1, steps=(step,), unit=""
    )
    plain, turned = (page_of(small_report, item) for item in (figure, replace(figure, is_reversed=True)))
    bars = [page[page.index("rows fall") : page.index("<details")].count('class="up"') for page in (plain, turned)]
    assert bars == [0, 1]


def test_numbers_of_a_column_share_their_decimals(small_report):
    table = DataTable(caption="c", columns=("m", "loss"), rows=(("a", 0.31), ("b", 0.314)))
    assert re.findall(r"<td[^>]*>(0\.\d+)</td>", page_of(small_report, table)) == ["0.310", "0.314"]


def test_saving_writes_page_and_twin(small_report, tmp_path):
    page, twin = small_report.save(tmp_path / "report.html")
    assert Report.from_json(twin.read_text(encoding="utf-8")) == small_report
    assert page.read_text(encoding="utf-8") == small_report.to_html()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.html", "report.json"]


def test_saving_over_its_own_twin_is_refused(small_report, tmp_path):
    with pytest.raises(ValueError, match="path must name the page"):
        small_report.save(tmp_path / "report.json")


def test_a_write_that_breaks_off_leaves_the_old_file(tmp_path):
    path = tmp_path / "report.html"
    path.write_text("old")
    with pytest.raises(UnicodeEncodeError):
        _write_whole(path, "new \ud800")
    assert [(item.name, item.read_text()) for item in tmp_path.iterdir()] == [("report.html", "old")]


def test_a_notebook_shows_the_page_in_a_frame_of_its_own(small_report):
    frame = small_report._repr_html_()
    assert frame.startswith('<iframe srcdoc="&lt;!doctype html&gt;')
    assert frame.count("<") == 2


def test_a_phone_can_name_every_cell_of_a_wide_table(small_report):
    columns = ("Metric", "Value", "Limit", "Verdict", "Interval")
    table = DataTable(caption="c", columns=columns, rows=(("AUC", 0.8, "none", "no limit set", "DeLong"),))
    cells = Outline(page_of(small_report, table)).all("td")
    assert [(cell["data-h"], cell["role"]) for cell in cells] == [(name, "cell") for name in columns[1:]]


def test_a_table_of_four_columns_stays_a_table_on_a_phone(small_report):
    table = DataTable(caption="c", columns=("Name", "a", "b", "c"), rows=(("x", 1, 2, 3),))
    assert 'class="stk"' not in page_of(small_report, table)
