"""Shapley values from antithetic permutations, one background row and one ensemble member each."""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from appkit.explanation.explanation import Explanation
from appkit.explanation.game import Game
from appkit.explanation.seeds import RandomState, seed_of
from appkit.explanation.solvers.draws import Control, Ends, Estimate, Gathered, closed, endpoints, estimated, row_blocks
from appkit.explanation.solvers.orders import herded_orders
from appkit.explanation.solvers.references import balanced, herded_order, standardised_features

__all__ = ["DEFAULT_TARGET_ERROR", "MIN_PAIRS", "evaluations_of_pairs", "permutation_shapley"]

DEFAULT_TARGET_ERROR = 0.05
MIN_PAIRS = 20  # a spread from fewer is itself off by more than a sixth
_FIRST_PAIRS = 32
_FEWEST_CONTROLLED = 4
_UNSEEN_ROWS = 4
_GROWTH = 1.5
_MOST_EVALUATIONS = 20_000  # of a row, where only a target error is named
_FEWEST_MOST_PAIRS = 100
_TIMED_EVALUATIONS = 1_000_000
_FLOOR = 0.1  # of the spread of the model's outputs: rows nearer to the base are told to this error
_FLOOR_OF_ONE = 0.01  # of the output itself, where one background row shows no spread
_HOPELESS = 0.25  # share of the variance that more permutations could still remove


def permutation_shapley(
    game: Game,
    *,
    target_error: float | None = None,
    max_evaluations: int | None = None,
    max_seconds: float | None = None,
    random_state: RandomState = None,
    progress: bool = False,
) -> Explanation:
    """Return Shapley values estimated from permutations of the players, with their standard errors.

    Players enter one by one in a random order, then leave in the same order (antithetic pair): for its one background
    row a pair is exact up to interactions of two players. Background rows are drawn without replacement, each next one
    where the ones before leave the background uncovered, so that the whole background has its say at no extra
    evaluation; where output is an average of members, each pair asks a single member, drawn equally often. Permutations
    are shared by all rows. A regression on what the background rows show takes out what luck in drawing them remains.

    Each row stops on its own, after 32 pairs at the earliest and at growing intervals from there.

    Parameters
    ----------
    game
        What is explained.
    target_error
        Stop a row once the norm of its standard errors is below this share of the norm of its values (or of a tenth of
        the spread of the model's outputs over the background, if that is more: rows near the base have no effects to
        be precise about). ``None`` means 0.05 if no other limit is given, else that the others are used up.
    max_evaluations
        Model evaluations per row; the empty coalition, evaluated over the whole background once for all rows, comes on
        top. ``None`` means 20000, or what 100 pairs take if that is more.
    max_seconds
        Start no further round after this time. The result then depends on the machine.
    random_state
        Seed of permutations, background rows and members.
    progress
        Whether to show a progress bar.

    Returns
    -------
    Explanation
        ``row_evaluations`` says what each row took, ``note`` which limit kept rows from the target.

    Raises
    ------
    ValueError
        If a limit is not positive, or ``max_evaluations`` leaves fewer than 20 pairs: their spread would be no
        standard error.

    Notes
    -----
    A background is a sample too, and once every row of it was asked, more permutations cannot make up for what it
    lacks. A row that is left with that error alone stops there, and ``note`` says so.

    References
    ----------
    Mitchell, Cooper, Frank, Holmes (2022), Sampling permutations for Shapley value estimation. JMLR 23(43).
    """
    _check_limits(target_error=target_error, max_seconds=max_seconds)
    seed = seed_of(random_state)
    if target_error is None and max_evaluations is None and max_seconds is None:
        target_error = DEFAULT_TARGET_ERROR
    started, clock = game.n_evaluations, _Clock(game.n_rows, max_seconds)
    ends = endpoints(game)
    n_pairs = _most_pairs(game, max_evaluations, is_timed=max_seconds is not None)
    is_stepwise = target_error is not None or max_seconds is not None
    plan = _Plan.drawn(game, n_pairs=n_pairs, seed=seed, is_stepwise=is_stepwise)
    gathered = Gathered(game, ends, started=started)
    pairs_of_row = torch.zeros(game.n_rows, dtype=torch.int64, device=game.device)
    limits: list[Tensor] = []
    per_row = n_pairs * len(game.player_names) * len(game.output_names)
    for rows in row_blocks(game, per_row=per_row, progress=progress):
        for finished in _explained(game, plan, rows, ends=ends, target_error=target_error, clock=clock):
            gathered.add(finished.rows, finished.estimate)
            pairs_of_row[finished.rows] = finished.n_pairs
            limits.append(finished.limit)
        clock.rows_done += len(rows)
    return gathered.explanation(
        method="shapley (permutation)",
        random_state=seed,
        row_evaluations=pairs_of_row * _per_pair(game) + _ends_asked(game),
        note=_note(torch.cat(limits), game, target_error),
    )


@dataclass(frozen=True)
class _Plan:
    """What is drawn before any row is looked at."""

    order: Tensor  # (n_pairs, n_players) int64: who enters when
    references: Tensor  # (n_pairs,) int64; each background row once before any twice
    members: Tensor | None  # (n_pairs,) int64
    said: Tensor | None  # (n_references, n_outputs): what the model says of each background row, if there are several
    features: Tensor | None  # (n_references, n_features): what tells background rows apart
    shuffled: Tensor  # (n_references,): background rows in random order
    rounds: tuple[int, ...]  # pairs after each round; whole rounds over the background where they exceed it

    @classmethod
    def drawn(cls, game: Game, *, n_pairs: int, seed: int, is_stepwise: bool) -> "_Plan":
        rng = np.random.default_rng(seed)
        order = herded_orders(rng, n_players=len(game.player_names), n_drawn=n_pairs)
        said = _said_of_references(game) if game.n_references > 1 else None
        features = standardised_features(game)
        references = herded_order(features, n_references=game.n_references, n_drawn=n_pairs, seed=seed)
        members = balanced(rng, game.n_members, n_pairs) if game.n_members > 1 else None
        return cls(
            order=torch.as_tensor(order, device=game.device),
            references=torch.as_tensor(references, device=game.device),
            members=None if members is None else torch.as_tensor(members, device=game.device),
            said=said,
            features=features,
            shuffled=torch.as_tensor(rng.permutation(game.n_references), device=game.device),
            rounds=tuple(_rounds(n_pairs, game.n_references)) if is_stepwise else (n_pairs,),
        )

    def part(self, start: int, stop: int) -> "_Plan":
        """Return the pairs from ``start`` to ``stop``."""
        return replace(
            self,
            order=self.order[start:stop],
            references=self.references[start:stop],
            members=None if self.members is None else self.members[start:stop],
        )


@dataclass(frozen=True)
class _Finished:
    """Rows that stopped in the same round."""

    rows: Tensor  # (n,)
    estimate: Estimate
    n_pairs: int
    limit: Tensor  # (n,) int64, see _REACHED and so on


_REACHED, _BACKGROUND, _EVALUATIONS, _SECONDS = range(4)


class _Clock:
    """Shares the seconds among the rows: each block may go on until its rows' share of the time is over."""

    def __init__(self, n_rows: int, max_seconds: float | None) -> None:
        self.rows_done = 0
        self._n_rows, self._max_seconds, self._start = n_rows, max_seconds, time.perf_counter()

    def is_over(self, n_rows: int) -> bool:
        """Return whether the time of the rows done and of ``n_rows`` more is over."""
        if self._max_seconds is None:
            return False
        share = (self.rows_done + n_rows) / self._n_rows
        return time.perf_counter() - self._start >= share * self._max_seconds


def _said_of_references(game: Game) -> Tensor:
    """Return what the model says of each background row, ``(n_references, n_outputs)``."""
    nobody = torch.zeros(game.n_references, len(game.player_names), dtype=torch.bool, device=game.device)
    first = torch.zeros(1, dtype=torch.int64, device=game.device)
    return game.values(nobody, rows=first, references=torch.arange(game.n_references, device=game.device))[0]


def _explained(
    game: Game, plan: _Plan, rows: Tensor, *, ends: Ends, target_error: float | None, clock: _Clock
) -> Iterator[_Finished]:
    """Yield the rows of a block as they finish, round after round."""
    n_in_block, floor = len(rows), _floor(plan, ends)
    full = _full(game, rows)
    draws = torch.zeros(len(rows), 0, len(game.player_names), len(game.output_names), dtype=torch.float64)
    draws = draws.to(game.device)
    for start, stop in zip((0, *plan.rounds), plan.rounds, strict=False):
        draws = torch.cat([draws, _contributions(game, plan.part(start, stop), rows, full=full)], dim=1)
        by_round = _by_round(draws, game.n_references)
        estimate = estimated(by_round.mean(1), _control(plan, by_round.shape[2]))
        estimate = _with_unseen(estimate, game, plan, rows, n_draws=by_round.shape[2])
        values, variance = closed(estimate, Ends(ends.base[rows], ends.output[rows]))
        size = torch.maximum(values.square().sum(1).sqrt(), floor[rows])
        limit = _limits(variance.sum(1), size, by_round, target_error=target_error)
        if stop == plan.rounds[-1]:
            limit = torch.where(limit < 0, _EVALUATIONS, limit)
        elif clock.is_over(n_in_block):
            limit = torch.where(limit < 0, _SECONDS, limit)
        done = limit >= 0
        if done.any():
            yield _Finished(rows[done], _rows_of(estimate, done), stop, limit[done])
        draws, rows, full = draws[~done], rows[~done], full[~done]
        if not len(rows):
            return


def _with_unseen(estimate: Estimate, game: Game, plan: _Plan, rows: Tensor, *, n_draws: int) -> Estimate:
    """Return the estimate with the effects of players of whom the drawn background rows show one side only.

    What a flag of one row in a hundred does where it is up is then in no draw, and its spread would be 0. So a few
    background rows of the other side are asked what the output loses with that player alone absent, and count by how
    many such rows there are; as large an error is added. A player the model does not use loses nothing and stays at
    exactly 0.
    """
    if plan.features is None or n_draws == game.n_references:
        return estimate
    drawn = plan.features[plan.references[:n_draws]]
    unseen = ((drawn == drawn[0]).all(0) & (plan.features != drawn[0]).any(0)).nonzero()[:, 0]
    if not len(unseen):
        return estimate
    mean, error = estimate.mean.clone(), torch.zeros_like(estimate.mean)
    for player in unseen.tolist():
        others = plan.shuffled[plan.features[plan.shuffled, player] != drawn[0, player]]
        asked = others[:_UNSEEN_ROWS]
        coalitions = torch.ones(1 + len(asked), len(game.player_names), dtype=torch.bool, device=game.device)
        coalitions[1:, player] = False
        said = game.values(coalitions, rows=rows, references=torch.cat([asked[:1], asked]))
        losses = said[:, :1] - said[:, 1:]
        share = len(others) / game.n_references
        mean[:, player] = (1 - share) * mean[:, player] + share * losses.mean(1)
        error[:, player] = share * losses.square().mean(1).sqrt()
    return replace(estimate, mean=mean, carried=torch.cat([estimate.carried, error[:, None]], dim=1))


def _limits(variance: Tensor, size: Tensor, by_round: Tensor, *, target_error: float | None) -> Tensor:
    """Return what stops each row now, int64 ``(n_rows,)``, -1 where nothing does.

    ``variance``, of all players together, and ``size``, the norm of their values, are ``(n_rows, n_outputs)``.
    """
    limit = torch.full((len(by_round),), -1, device=by_round.device)
    if target_error is None:
        return limit
    n_rounds, n_references = by_round.shape[1:3]
    if n_rounds > 1 and n_references > 1:
        left_to_permutations = by_round.var(1).sum((1, 2)) / (n_rounds * n_references**2)
        limit = torch.where((left_to_permutations <= _HOPELESS * variance).all(1), _BACKGROUND, limit)
    return torch.where((variance.sqrt() <= target_error * size).all(1), _REACHED, limit)


def _floor(plan: _Plan, ends: Ends) -> Tensor:
    """Return the size below which effects need not be told apart from 0, ``(n_rows, n_outputs)``."""
    if plan.said is None:
        return _FLOOR_OF_ONE * ends.scale
    return (_FLOOR * plan.said.std(0, correction=0)).expand(ends.output.shape)


def _control(plan: _Plan, n_draws: int) -> Control | None:
    return (
        None
        if plan.features is None or n_draws < _FEWEST_CONTROLLED
        else Control.of(plan.features, plan.references[:n_draws])
    )


def _by_round(draws: Tensor, n_references: int) -> Tensor:
    """Return draws by round over the background, ``(n_rows, n_rounds, n_draws, n_players, n_outputs)``."""
    n_pairs = draws.shape[1]
    is_one_round = n_references == 1 or n_pairs <= n_references
    return draws[:, None] if is_one_round else draws.unflatten(1, (-1, n_references))


def _rows_of(estimate: Estimate, chosen: Tensor) -> Estimate:
    return Estimate(estimate.mean[chosen], estimate.influence[chosen], estimate.carried[chosen])


def _per_pair(game: Game) -> int:
    return max(1, 2 * (len(game.player_names) - 1))


def evaluations_of_pairs(game: Game, n_pairs: int) -> int:
    """Return what ``n_pairs`` pairs of permutations cost a row, ends included: a budget that buys just so many."""
    return n_pairs * _per_pair(game) + _ends_asked(game)


def _ends_asked(game: Game) -> int:
    """Return the evaluations of the full coalition per row: of all members together, and of each alone."""
    return 1 + (game.n_members if game.n_members > 1 else 0)


def _most_pairs(game: Game, max_evaluations: int | None, *, is_timed: bool) -> int:
    """Return how many pairs the budget buys, whole rounds over the background where it covers one."""
    least = MIN_PAIRS * _per_pair(game) + _ends_asked(game)
    if max_evaluations is None:
        usual = max(_MOST_EVALUATIONS, _FEWEST_MOST_PAIRS * _per_pair(game) + _ends_asked(game))
        max_evaluations = _TIMED_EVALUATIONS if is_timed else usual
    if max_evaluations < least:
        raise ValueError(
            f"max_evaluations must be at least {least} for {len(game.player_names)} players "
            f"({MIN_PAIRS} pairs of permutations), got {max_evaluations!r}."
        )
    n_pairs = (max_evaluations - _ends_asked(game)) // _per_pair(game)
    rounds = n_pairs // game.n_references
    return rounds * game.n_references if rounds else n_pairs


def _rounds(n_pairs: int, n_references: int) -> Iterator[int]:
    """Yield how many pairs there are after each round: 32, then half as many again, then whole backgrounds."""
    wanted, reached = float(_FIRST_PAIRS), 0
    while reached < n_pairs:
        whole = int(wanted // n_references) * n_references
        stop = min(whole or math.ceil(wanted), n_pairs)
        if stop > reached:
            reached = stop
            yield reached
        wanted *= _GROWTH


def _contributions(game: Game, plan: _Plan, rows: Tensor, *, full: Tensor) -> Tensor:
    """Return contributions, ``(n_rows, n_pairs, n_players, n_outputs)``: mean of entering and of leaving in order."""
    n_pairs, n_players = plan.order.shape
    rank = plan.order.argsort(1)
    entered = rank[:, None, :] < torch.arange(1, n_players, device=rank.device)[:, None]
    chains = torch.stack([entered, ~entered], dim=1)  # (n_pairs, 2, n_players - 1, n_players)
    per_pair = 2 * (n_players - 1)
    inner = game.values(
        chains.flatten(0, 2),
        rows=rows,
        references=plan.references.repeat_interleave(per_pair),
        members=None if plan.members is None else plan.members.repeat_interleave(per_pair),
    ).view(len(rows), n_pairs, 2, n_players - 1, len(game.output_names))
    # one background row and no members: the empty coalition is one and the same
    n_asked = 1 if game.n_references == 1 and plan.members is None else n_pairs
    nobody = torch.zeros(n_asked, n_players, dtype=torch.bool, device=game.device)
    first = game.values(nobody, rows=rows, references=plan.references[:n_asked], members=plan.members)[:, :, None]
    first = first.expand(-1, n_pairs, -1, -1)
    last = (full.expand(-1, n_pairs, -1) if plan.members is None else full[:, plan.members])[:, :, None]
    entering = torch.cat([first, inner[:, :, 0], last], dim=2).diff(dim=2)
    leaving = torch.cat([last, inner[:, :, 1], first], dim=2).diff(dim=2)
    by_step = (entering - leaving) / 2
    return by_step.gather(2, rank[None, :, :, None].expand_as(by_step))


def _full(game: Game, rows: Tensor) -> Tensor:
    """Return outputs of the full coalition, ``(n_rows, n_members, n_outputs)``."""
    heads = torch.arange(game.n_members, device=game.device) if game.n_members > 1 else None
    everybody = torch.ones(game.n_members, len(game.player_names), dtype=torch.bool, device=game.device)
    whoever = torch.zeros(game.n_members, dtype=torch.int64, device=game.device)  # named: as precise as its neighbours
    return game.values(everybody, rows=rows, references=whoever, members=heads)


def _check_limits(*, target_error: float | None, max_seconds: float | None) -> None:
    for name, limit in (("target_error", target_error), ("max_seconds", max_seconds)):
        if limit is not None and not limit > 0:
            raise ValueError(f"{name} must be positive, got {limit!r}.")


def _note(limits: Tensor, game: Game, target_error: float | None) -> str:
    """Say what kept rows from the target error; empty if nothing did, or there was none."""
    if target_error is None:
        return ""
    reasons = {
        _BACKGROUND: f"are left with the error of a background of {game.n_references} rows: give more of them",
        _EVALUATIONS: "used up their evaluations",
        _SECONDS: "ran out of time",
    }
    short = [
        f"{count} of {game.n_rows} rows {reason}"
        for limit, reason in reasons.items()
        if (count := int((limits == limit).sum()))
    ]
    return f"Short of the target error of {target_error:.0%}: {'; '.join(short)}." if short else ""
