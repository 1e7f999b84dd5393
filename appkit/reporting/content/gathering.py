"""What all reports put together alike: sections merged, the lead, checks that failed, limits nobody asked for."""

from collections.abc import Sequence
from dataclasses import fields, replace

from appkit.reporting.content.context import Limits
from appkit.reporting.facts import Block, Certificate, Counterfactual, NotFilled, RankTile, Section, Tile, Verdict
from appkit.reporting.words import lead_sentence

__all__ = ["StripTile", "check_limits", "failed_checks", "lead_text", "merged", "with_blocks"]

_LEAD_WORDS = 45

StripTile = Tile | RankTile | NotFilled


def lead_text(tiles: tuple[StripTile, ...], *, n_failed: int = 0) -> str:
    """Return what fails, what is open and what passes, in at most 45 words; ``n_failed`` checks of the explanation."""
    verdicts = tuple(
        (
            tile.item if isinstance(tile, NotFilled) else tile.name,
            Verdict("unfilled", "") if isinstance(tile, NotFilled) else tile.verdict,
        )
        for tile in tiles
    )
    judged = tuple((name, item) for name, item in verdicts if item.status != "note")
    unjudged = len(verdicts) - len(judged)
    text = lead_sentence(tuple((_plain(name), item) for name, item in judged))
    if unjudged:
        text = f"{text} No limit was set for {'one measure' if unjudged == 1 else f'{unjudged} measures'}.".strip()
    failed = f"{'One check' if n_failed == 1 else f'{n_failed} checks'} of the explanation failed." if n_failed else ""
    text = f"{failed} {text}".strip()
    if len(text.split()) <= _LEAD_WORDS:
        return text
    counts = {status: sum(1 for _, item in verdicts if item.status == status) for status in ("fail", "open", "pass")}
    n = len(verdicts)
    short = f"Of {n} measures {counts['fail']} fail, {counts['open']} are not settled and {counts['pass']} pass."
    return f"{short} {failed}".strip()


def merged(own: Sequence[Section], added: Sequence[Section]) -> list[Section]:
    """Return sections in reading order: blocks of a known key are added to that section, the others put in place."""
    sections = list(own)
    for section in added:
        keys = [known.key for known in sections]
        plain = Section(**{item.name: getattr(section, item.name) for item in fields(Section)})
        if section.key in keys:
            place = keys.index(section.key)
            sections[place] = with_blocks(sections[place], section.blocks)
            continue
        after = getattr(section, "after", "")
        sections.insert(keys.index(after) + 1 if after in keys else len(sections), plain)
    return sections


def with_blocks(section: Section, blocks: Sequence[Block]) -> Section:
    """Return a section with more blocks, before a counterfactual or a gap that ends it."""
    own = section.blocks
    n = len(own) - isinstance(own[-1], NotFilled | Counterfactual) if own else 0
    return replace(section, blocks=(*own[:n], *blocks, *own[n:]))


def failed_checks(sections: tuple[Section, ...]) -> int:
    """Return how many checks of explanations failed."""
    tables = [block for section in sections for block in section.blocks if isinstance(block, Certificate)]
    return sum(1 for table in tables for check in table.checks if check.measure and check.verdict.status == "fail")


def check_limits(limits: Limits) -> None:
    """Raise ``ValueError`` for limits that nothing was held against."""
    unknown = limits.never_asked()
    if unknown:
        raise ValueError(f"limits must name what is measured, among {list(limits.known())}, got {list(unknown)}.")


def _plain(name: str) -> str:
    return name if name.startswith(("AUC", "PSI", "RMSE", "R2")) else name[:1].lower() + name[1:]
