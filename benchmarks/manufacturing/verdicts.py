"""What the attributions of a failure are worth where its true drivers are known, counted over failures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from appkit.prediction.intervals import proportion
from benchmarks.results import Record
from benchmarks.runs import Runs, markdown, spread

__all__ = ["Verdict", "counts", "judge_drivers", "table_of_drivers"]

_ASKED = 0.95
_HEADS = ("whose, mode", "failures", "top is a true driver", "95 %, exact", "by data seed")
_MORE_HEADS = ("top towards failure is", "of flagged failures", "all drivers above all decoys", "a decoy first")


@dataclass(frozen=True)
class Verdict:
    """What the attributions of one failure are worth.

    Parameters
    ----------
    modes
        Modes in which it failed.
    is_right
        Whether the largest effect, either way, belongs to a driver of one of them.
    is_right_towards
        Whether the largest effect towards failure does.
    is_clear
        Whether all drivers of one of them have larger effects than every decoy.
    decoy_rank
        Place of the best decoy among all effects, 1 the largest.
    top
        What has the largest effect.
    is_flagged
        Whether the model would have warned.
    """

    modes: tuple[str, ...]
    is_right: bool
    is_right_towards: bool
    is_clear: bool
    decoy_rank: int
    top: str
    is_flagged: bool


def judge_drivers(
    effects: np.ndarray,
    names: Sequence[str],
    *,
    drivers: Mapping[str, Sequence[str]],
    decoys: Sequence[str],
    is_flagged: bool = True,
) -> Verdict:
    """Judge the effects of one failure.

    Parameters
    ----------
    effects
        Positive towards failure, float64 ``(n_players,)``.
    names
        Of the players.
    drivers
        True drivers of each mode in which it failed.
    decoys
        Players that drive nothing.
    is_flagged
        Whether the model would have warned.

    Examples
    --------
    >>> verdict = judge_drivers(np.array([0.1, -0.5, 0.2]), ["a", "b", "c"], drivers={"worn": ["b", "a"]}, decoys=["c"])
    >>> verdict.top, verdict.is_right, verdict.is_right_towards, verdict.decoy_rank
    ('b', True, False, 2)
    """
    size = dict(zip(names, np.abs(effects).tolist(), strict=True))
    top, towards = max(size, key=lambda name: size[name]), names[int(np.argmax(effects))]
    best_decoy = max(size[name] for name in decoys)
    return Verdict(
        modes=tuple(drivers),
        is_right=any(top in own for own in drivers.values()),
        is_right_towards=any(towards in own for own in drivers.values()),
        is_clear=any(min(size[name] for name in own) > best_decoy for own in drivers.values()),
        decoy_rank=1 + sum(effect > best_decoy for effect in size.values()),
        top=top,
        is_flagged=is_flagged,
    )


def counts(verdicts: Sequence[Verdict]) -> dict[str, float]:
    """Count in all and by mode, as numbers that can be kept; a failure of two modes counts in both.

    Examples
    --------
    >>> counts([Verdict(("worn",), True, True, False, 2, "a", is_flagged=True)])["worn: right"]
    1.0
    """
    modes = sorted({mode for verdict in verdicts for mode in verdict.modes})
    found: dict[str, float] = {}
    for group in ("all", *modes):
        own = [verdict for verdict in verdicts if group == "all" or group in verdict.modes]
        flagged = [verdict for verdict in own if verdict.is_flagged]
        found |= {
            f"{group}: failures": float(len(own)),
            f"{group}: right": float(sum(one.is_right for one in own)),
            f"{group}: towards": float(sum(one.is_right_towards for one in own)),
            f"{group}: clear": float(sum(one.is_clear for one in own)),
            f"{group}: decoy first": float(sum(one.decoy_rank == 1 for one in own)),
            f"{group}: flagged": float(len(flagged)),
            f"{group}: flagged right": float(sum(one.is_right for one in flagged)),
        }
    wrong = [verdict.top for verdict in verdicts if not verdict.is_right]
    return found | {f"wrong top: {name}": float(wrong.count(name)) for name in sorted(set(wrong))}


def table_of_drivers(runs: Runs, data: str, records: Sequence[Record]) -> str:
    """Return the shares of every model, and of every mode for the first."""
    names = list(dict.fromkeys(record.model for record in records))
    first = [record for record in records if record.model == names[0]]
    groups = sorted({name.split(":")[0] for record in first for name in record.scores if name.endswith(": right")})
    rows = [_row(f"{names[0]}, {group}", first, group) for group in groups if group != "all"]
    rows += [_row(name, [record for record in records if record.model == name], "all") for name in names]
    seconds = spread([record.predict_cpu / record.n_test for record in first], 3)
    return (
        f"drivers, {data}, seeds {[record.seed for record in first]}, learnt from {first[0].n_train:,} rows; asked: "
        f"{_ASKED:.0%}. `{runs.command}`\n"
        + markdown([*_HEADS, *_MORE_HEADS], rows)
        + f"\nTops of {names[0]} that are no drivers of the mode: {_wrong_tops(first)}. {seconds} CPU s per failure "
        f"explained, {spread([record.fit_cpu for record in first], 0)} per fit."
    )


def _row(title: str, records: Sequence[Record], group: str) -> list[str]:
    scores = [record.scores for record in records if f"{group}: failures" in record.scores]

    def total(kind: str) -> int:
        return int(sum(one[f"{group}: {kind}"] for one in scores))

    n, share = total("failures"), proportion("right", total("right"), total("failures"), method="Clopper-Pearson")
    return [
        title,
        str(n),
        _part(total("right"), n),
        f"{share.low:.1%} to {share.high:.1%}",
        " ".join(f"{one[f'{group}: right'] / one[f'{group}: failures']:.1%}" for one in scores),
        _part(total("towards"), n),
        f"{total('flagged right')} of {total('flagged')}"
        + (f" ({total('flagged right') / total('flagged'):.1%})" if total("flagged") else ""),
        _part(total("clear"), n),
        _part(total("decoy first"), n),
    ]


def _part(count: int, n: int) -> str:
    return f"{count} ({count / n:.1%})"


def _wrong_tops(records: Sequence[Record]) -> str:
    wrong: dict[str, int] = {}
    for record in records:
        for name, count in record.scores.items():
            if name.startswith("wrong top: "):
                wrong[name[11:]] = wrong.get(name[11:], 0) + int(count)
    return ", ".join(f"{name} {n}" for name, n in sorted(wrong.items(), key=lambda one: -one[1])) or "none"
