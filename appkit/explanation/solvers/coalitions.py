"""Coalitions for a regression: in opposite pairs, all sizes alike, none twice, small sizes complete."""

import itertools
import math
from dataclasses import dataclass

import numpy as np

__all__ = ["PairedCoalitions", "draw_paired_coalitions", "n_all_pairs", "one_player_apart"]

_DENSE = 0.3  # of all pairs of a size: from here on listing them is cheaper than drawing until none is twice
_MAX_ROUNDS = 64
_WORD_SEED = 0


@dataclass(frozen=True)
class PairedCoalitions:
    """Sets of coalitions, each coalition standing for itself and its complement.

    Parameters
    ----------
    present
        bool ``(n_sets, n_pairs, n_players)``, by size; sizes are drawn alike in every set.
    weights
        float64 ``(n_pairs,)``: what a pair stands for in the regression whose solution is the Shapley value.
    drawn
        float64 ``(n_pairs,)``: share of all pairs of its size that a set holds, 1 where it holds them all.
    chains
        int64 ``(n_sets, n_pairs)``: the order of players a pair is a step of, -1 for pairs drawn on their own.
    """

    present: np.ndarray
    weights: np.ndarray
    drawn: np.ndarray
    chains: np.ndarray


def n_all_pairs(n_players: int) -> int:
    """Return how many pairs of opposite coalitions there are, less the empty and the full one.

    Examples
    --------
    >>> n_all_pairs(3)
    3
    """
    return 2 ** (n_players - 1) - 1


def draw_paired_coalitions(
    n_players: int, *, n_sets: int, n_pairs: int, n_chains: int, rng: np.random.Generator
) -> PairedCoalitions:
    """Return sets of pairs drawn by leverage: every size equally often, sizes with few coalitions completely.

    Each set holds the steps of ``n_chains`` random orders of the players, so that for every player it has coalitions
    that differ in that player alone; the other pairs are drawn on their own, without repeats.

    Parameters
    ----------
    n_players
        Two at least.
    n_sets, n_pairs
        Independent sets, and the pairs in each: at least ``2 * n_chains * (n_players - 1)``, or all there are.
    n_chains
        Orders of the players whose steps are in each set.
    rng
        Source of all draws.

    References
    ----------
    Musco, Witter (2025), Provably Accurate Shapley Value Estimation via Leverage Score Sampling. ICLR.

    Examples
    --------
    >>> drawn = draw_paired_coalitions(4, n_sets=1, n_pairs=7, n_chains=1, rng=np.random.default_rng(0))
    >>> drawn.present.sum(axis=2).tolist()  # all four of one player, and half of those of two
    [[1, 1, 1, 1, 2, 2, 2]]
    """
    least = min(n_all_pairs(n_players), 2 * n_chains * (n_players - 1))
    if not least <= n_pairs <= n_all_pairs(n_players):
        raise ValueError(
            f"n_pairs must lie between {least} and {n_all_pairs(n_players)} for {n_players} players "
            f"and {n_chains} chains, got {n_pairs!r}."
        )
    if n_players == 1:
        return _nothing(n_sets)
    orders = rng.permuted(np.tile(np.arange(n_players), (n_sets, n_chains, 1)), axis=2)
    sizes = [size for size in _sizes(n_players, n_pairs) if size.n_drawn]
    parts = [_drawn_of_size(size, _steps(orders, size.n_present), rng=rng) for size in sizes]
    counts = [size.n_drawn for size in sizes]
    return PairedCoalitions(
        present=np.concatenate([present for present, _ in parts], axis=1),
        weights=np.repeat([size.kernel / size.n_drawn for size in sizes], counts),
        drawn=np.repeat([size.n_drawn / size.n_pairs for size in sizes], counts),
        chains=np.concatenate([chains for _, chains in parts], axis=1),
    )


def one_player_apart(coalitions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return which coalitions of a set differ in one player, as positions without and with it, and the player.

    Parameters
    ----------
    coalitions
        bool ``(n_coalitions, n_players)``, none twice.

    Returns
    -------
    tuple
        Three int64 ``(n_found,)``, ordered by player.

    Examples
    --------
    >>> one_player_apart(np.array([[False, False], [False, True]]))
    (array([0]), array([1]), array([1]))
    """
    words = _words(coalitions.shape[1])
    keys = _keys(coalitions, words)
    ranked = keys.argsort()
    wanted = keys[:, None] ^ words
    found = ranked[np.searchsorted(keys[ranked], wanted).clip(max=len(keys) - 1)]
    player, without = np.nonzero(((keys[found] == wanted) & ~coalitions).T)
    return without, found[without, player], player


def _nothing(n_sets: int) -> PairedCoalitions:
    """Return no pairs: one player has nobody to stand against."""
    return PairedCoalitions(
        present=np.zeros((n_sets, 0, 1), dtype=bool),
        weights=np.zeros(0),
        drawn=np.zeros(0),
        chains=np.zeros((n_sets, 0), dtype=np.int64),
    )


@dataclass(frozen=True)
class _Size:
    """Pairs of a coalition of one size with its complement."""

    n_players: int
    n_present: int  # the smaller of the two
    n_pairs: int  # how many there are
    n_drawn: int  # how many each set gets
    kernel: float  # what they weigh together in the regression


def _sizes(n_players: int, n_pairs: int) -> list[_Size]:
    """Return how many pairs each size gets: shares alike for sizes ``k`` and ``n_players - k``, none beyond all."""
    present = range(1, n_players // 2 + 1)
    half = [0.5 if 2 * k == n_players else 1.0 for k in present]  # the middle size is its own opposite
    there_are = [round(math.comb(n_players, k) * part) for k, part in zip(present, half, strict=True)]
    drawn = _shared_out(n_pairs, np.array(half), limits=np.array([min(n, n_pairs) for n in there_are]))
    kernels = [(n_players - 1) / (k * (n_players - k)) * part for k, part in zip(present, half, strict=True)]
    facts = zip(present, there_are, drawn.tolist(), kernels, strict=True)
    return [_Size(n_players, k, n, n_drawn, kernel) for k, n, n_drawn, kernel in facts]


def _shared_out(total: int, shares: np.ndarray, *, limits: np.ndarray) -> np.ndarray:
    """Return integers that sum to ``total``, proportional to ``shares`` as far as the limits allow."""
    portion = np.zeros(len(shares))
    while (left := total - portion.sum()) > 1e-6:
        room = np.where(portion < limits, shares, 0.0)
        portion = np.minimum(portion + left * room / room.sum(), limits)
    whole = np.floor(portion + 1e-6).astype(np.int64)
    first = (whole - portion).argsort(kind="stable")[: total - whole.sum()]
    whole[first] += 1
    return whole


def _steps(orders: np.ndarray, n_present: int) -> np.ndarray:
    """Return the first and the last ``n_present`` players of each order, ``(n_sets, n_chains * 1 or 2, n_players)``."""
    n_sets, _, n_players = orders.shape
    rank = orders.argsort(2)
    first, last = rank < n_present, rank >= n_players - n_present
    steps = [first] if 2 * n_present == n_players else [first, last]
    return np.stack(steps, axis=2).reshape(n_sets, -1, n_players)


def _drawn_of_size(size: _Size, steps: np.ndarray, *, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return pairs of one size, ``(n_sets, n_drawn, n_players)``, steps of the chains first, and their chains."""
    n_sets, n_steps, _ = steps.shape
    stream = steps
    for _ in range(_MAX_ROUNDS):
        stream = np.concatenate([stream, _more(size, n_sets, rng=rng)], axis=1)
        position, is_enough = _first_distinct(stream, size.n_drawn)
        if is_enough:
            break
    else:
        raise AssertionError(f"Drawing {size.n_drawn} of {size.n_pairs} pairs must come to an end.")
    chain = position // (1 if 2 * size.n_present == size.n_players else 2)
    present = np.take_along_axis(stream, position[..., None], axis=1)
    return present, np.where(position < n_steps, chain, -1)


def _more(size: _Size, n_sets: int, *, rng: np.random.Generator) -> np.ndarray:
    """Return random coalitions of one size, ``(n_sets, n, n_players)``: all there are, or some with repeats."""
    if size.n_drawn <= _DENSE * size.n_pairs:
        ranks = rng.random((n_sets, 2 * size.n_drawn + 8, size.n_players)).argsort(axis=2)
        return ranks < size.n_present
    members = np.array(list(itertools.combinations(range(size.n_players), size.n_present)))
    everyone = np.zeros((len(members), size.n_players), dtype=bool)
    np.put_along_axis(everyone, members, True, axis=1)
    return everyone[rng.random((n_sets, len(everyone))).argsort(axis=1)]


def _first_distinct(stream: np.ndarray, n: int) -> tuple[np.ndarray, bool]:
    """Return positions of the first ``n`` distinct pairs of each set, int64 ``(n_sets, n)``, if there are so many."""
    words = _words(stream.shape[2])
    keys = _keys(stream, words)
    keys = np.minimum(keys, keys ^ np.bitwise_xor.reduce(words))  # a coalition and its complement are one pair
    ranked = keys.argsort(axis=1, kind="stable")
    in_order = np.take_along_axis(keys, ranked, axis=1)
    is_repeat = np.zeros(keys.shape, dtype=bool)
    np.put_along_axis(is_repeat, ranked[:, 1:], in_order[:, 1:] == in_order[:, :-1], axis=1)
    position = is_repeat.argsort(axis=1, kind="stable")[:, :n]
    return position, bool(((~is_repeat).sum(axis=1) >= n).all())


def _words(n_players: int) -> np.ndarray:
    """Return one word per player, uint64; a coalition's key is their exclusive or (Zobrist hashing)."""
    if n_players <= 64:
        return np.uint64(1) << np.arange(n_players, dtype=np.uint64)
    return np.random.default_rng(_WORD_SEED).integers(2**64, size=n_players, dtype=np.uint64)


def _keys(coalitions: np.ndarray, words: np.ndarray) -> np.ndarray:
    return np.bitwise_xor.reduce(np.where(coalitions, words, np.uint64(0)), axis=-1)
