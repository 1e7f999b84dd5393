"""Explain once more: by the next seed, and by LIME."""

from collections.abc import Callable, Iterator

import numpy as np

from appkit.explanation.certificate.parts import parts_of
from appkit.explanation.explain import explainers
from appkit.explanation.explanation import Explanation
from appkit.explanation.game import Game
from appkit.explanation.games.ragged import RaggedGame, explain_parts
from appkit.explanation.solvers.exact import exact_evaluations
from appkit.explanation.solvers.permutation import permutation_shapley
from appkit.explanation.solvers.surrogate import lime_surrogate

__all__ = ["lime_beside", "with_next_seed"]

LIME_EVALUATIONS = 600
_LIME_PER_PLAYER = 10
_ENDPOINTS = 2  # a budget counts them, what was spent may not where another explanation had asked them before


def with_next_seed(game: Game | RaggedGame, explanation: Explanation) -> Explanation:
    """Return the explanation of the same rows by the same method and budget, with the seed one higher.

    What drew nothing is its own second.

    Raises
    ------
    ValueError
        If the method is none that can be run on a game.
    """
    seed = explanation.random_state
    if seed is None:
        return explanation
    names, budgets = _explainer_names(explanation.method), _budgets(game, explanation)

    def again(part: Game) -> Explanation:
        budget = next(budgets)
        name = _of_part(names, part, budget)
        return explainers()[name](part, max_evaluations=budget, random_state=seed + 1)

    return _explained(game, again)


def lime_beside(game: Game | RaggedGame, explanation: Explanation, *, random_state: int) -> Explanation | None:
    """Return LIME of the same rows; ``None`` beside LIME itself, or where no row has two players to weigh."""
    most = max(len(part.player_names) for _, part in parts_of(game))
    if explanation.method.startswith("lime") or most < 2:
        return None

    def lime(part: Game) -> Explanation:
        n_players = len(part.player_names)
        if n_players < 2:  # one player's effect is all there is, and whoever compares orders leaves it out
            return permutation_shapley(part, random_state=random_state)
        budget = max(LIME_EVALUATIONS, _LIME_PER_PLAYER * n_players + _ENDPOINTS)
        return lime_surrogate(part, max_evaluations=budget, members="one", random_state=random_state)

    return _explained(game, lime)


def _explainer_names(method: str) -> frozenset[str]:
    """Return the explainers that answered; parts of different size may have been explained by several."""
    names = frozenset(
        one.removeprefix("shapley (").removesuffix(")") for one in method.removesuffix(", conditional").split(", ")
    )
    if not names <= set(explainers()) or (len(names) > 1 and "lime" in names):
        raise ValueError(
            f"second must be given for method {method!r}, which cannot be run on the game alone: "
            "explain the same rows with another random_state."
        )
    return names


def _of_part(names: frozenset[str], part: Game, budget: int) -> str:
    """Return the explainer of one part: enumeration where the budget was that of one, else the one that sampled."""
    sampled = names - {"exact"}
    if "exact" in names and exact_evaluations(part) <= budget:
        return "shapley"  # enumerates as many players as the first did
    return min(sampled)


def _explained(game: Game | RaggedGame, explainer: Callable[[Game], Explanation]) -> Explanation:
    return explain_parts(game, explainer) if isinstance(game, RaggedGame) else explainer(game)


def _budgets(game: Game | RaggedGame, explanation: Explanation) -> Iterator[int]:
    """Yield what was spent on a row of each game, the dearest row counting."""
    n_rows = len(explanation.values)
    spent = explanation.row_evaluations
    spent = np.full(n_rows, explanation.n_evaluations) if spent is None else spent
    for rows, _ in parts_of(game):
        yield int(spent[rows].max()) + _ENDPOINTS
