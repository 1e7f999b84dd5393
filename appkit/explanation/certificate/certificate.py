"""The proof an explanation carries: every check it went through, and what may be read off its rankings."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from appkit.explanation.certificate.checks import CHECK_LIMITS, Check, order_of_places, run_checks
from appkit.explanation.certificate.evidence import Evidence, Range
from appkit.explanation.certificate.objections import objections_to_all, objections_to_row, shared_objections
from appkit.explanation.certificate.parts import evaluations_of, full_outputs, parts_of
from appkit.explanation.certificate.pointing import Pointing
from appkit.explanation.certificate.randomisation import RandomisationTest
from appkit.explanation.certificate.ranking import Ranking, rank_players, rank_row
from appkit.explanation.certificate.removal import RemovalTest, removal_test
from appkit.explanation.certificate.rerun import lime_beside, with_next_seed
from appkit.explanation.certificate.verdict import Verdict, judge
from appkit.explanation.explanation import Explanation
from appkit.explanation.game import Game
from appkit.explanation.games.ragged import RaggedGame
from appkit.explanation.seeds import RandomState, seed_of
from appkit.model.device import on_one_thread

__all__ = ["Certificate", "certify"]


@dataclass(frozen=True)
class Certificate:
    """What was checked about an explanation, and how far its rankings hold; one output.

    Parameters
    ----------
    checks
        Every check, failed ones too.
    rows
        Verdict on each row's own ranking.
    overall
        Verdict on the ranking over all rows; ``None`` where rows have players of their own.
    ranking
        That ranking.
    removal
        Curves of deletion and insertion; ``None`` where no row has three players.
    method, output_name
        What was certified.
    n_evaluations
        Model evaluations the checks cost, per row; not what the caller brought along.
    """

    checks: tuple[Check, ...]
    rows: tuple[Verdict, ...]
    overall: Verdict | None
    ranking: Ranking | None
    removal: RemovalTest | None
    method: str
    output_name: str
    n_evaluations: int

    def __getitem__(self, name: str) -> Check:
        """Return a check by its name."""
        for check in self.checks:
            if check.name == name:
                return check
        raise KeyError(f"{name!r} was not checked, only {[check.name for check in self.checks]}.")

    @property
    def failed(self) -> tuple[Check, ...]:
        """Checks whose whole interval lies outside the limit."""
        return tuple(check for check in self.checks if check.verdict == "bad")

    def summary(self) -> str:
        """Return the certificate as text, a check a line."""
        n = len(self.rows)
        head = f"{self.method}, {self.output_name}: {n} {'row' if n == 1 else 'rows'}"
        if n == 1:
            verdicts = [f"The row is {self.rows[0]}"]
        else:
            counts = Counter(verdict.status for verdict in self.rows)
            verdicts = ["Rows: " + ", ".join(f"{count} {status}" for status, count in counts.most_common())]
        if self.overall is not None and n > 1:
            verdicts.insert(0, f"Over all rows: {self.overall}")
        lines = [f"  {check.verdict:5}{check.name:26}{check.words}" for check in self.checks]
        return "\n".join([head, *verdicts, *lines, f"Checking took {self.n_evaluations} evaluations a row on average."])

    def __str__(self) -> str:
        return self.summary()


@on_one_thread()
def certify(
    game: Game | RaggedGame,
    explanation: Explanation,
    *,
    second: Explanation | None = None,
    lime: Explanation | None = None,
    output: str | int | None = None,
    n_population: int | None = None,
    randomisation: RandomisationTest | None = None,
    pointing: Pointing | None = None,
    limits: Mapping[str, Range] | None = None,
    random_state: RandomState = None,
) -> Certificate:
    """Check an explanation and say how far its rankings can be trusted.

    A ranking holds down to the last place whose gap to the next exceeds two standard errors of the difference, and
    above which a second seed puts the same players. No gap helps where values miss the output, where both removing and
    adding what ranks first move the output less than doing so at random (for surrogates and other heuristics, which
    promise nothing: where neither clearly moves it more), where a surrogate fits worse than its limit, where one player
    is a whole image, where random weights give the same explanation, or where the strongest player lies in the known
    mask no more often than by chance.

    Parameters
    ----------
    game, explanation
        What was explained, and the explanation to check.
    second
        The same by another seed; ``None`` explains again, by the same method with the same budget.
    lime
        LIME of the same rows, to hold Shapley values against; ``None`` runs it with 600 evaluations a row, or 10 a
        player if that is more.
    output
        Name or position of the output; may be left out where there is one.
    n_population
        Rows that the explained ones were drawn from; ``None`` means that they are all there are.
    randomisation, pointing
        What :func:`randomisation_test` and :func:`pointing_accuracy` gave, for images.
    limits
        Accepted range by name of the check, ``{"Second seed": (0.9, None)}``; see ``CHECK_LIMITS``.
    random_state
        Seed of random orders and of LIME; ``None`` takes the explanation's own.

    Raises
    ------
    ValueError
        If game and explanation do not fit, the second explanation has the seed of the first, the method cannot be run
        again from the game alone and ``second`` is not given, or a limit names no check.

    Notes
    -----
    Costs one more explanation, about 2,000 evaluations on each of at most 30 rows for deletion and insertion, and LIME.

    Examples
    --------
    >>> import pandas as pd
    >>> from appkit.explanation import exact_shapley, game_from_callable
    >>> X = pd.DataFrame({"income": [3.0, 1.0, 2.0], "debt": [0.0, 2.0, 1.0], "age": [5.0, 4.0, 3.0]})
    >>> game = game_from_callable(lambda rows: 9 * rows["income"] - rows["debt"], X, X[:1], output_names=["margin"])
    >>> certify(game, exact_shapley(game)).overall.words
    'reliable'
    """
    if not isinstance(game, RaggedGame) and not hasattr(game, "player_names"):
        raise TypeError(
            f"game must be what was explained, got {type(game).__name__}. For a model of tables build it with "
            "game_for(model, X, background=...), as for explain()."
        )
    column = _output(explanation, output)
    _check_fit(game, explanation)
    seed = (explanation.random_state or 0) if random_state is None else seed_of(random_state)
    started = evaluations_of(game)
    evidence = Evidence(
        explanation=explanation,
        second=_other_seed(explanation, with_next_seed(game, explanation) if second is None else second),
        lime=lime_beside(game, explanation, random_state=seed) if lime is None else lime,
        removal=removal_test(game, explanation, output=column, random_state=seed),
        said=full_outputs(game)[:, column],
        randomisation=randomisation,
        pointing=pointing,
        output=column,
        limits=_accepted(limits),
    )
    checks = run_checks(evidence)
    ranking, overall = _over_all_rows(evidence, checks, n_population=n_population)
    return Certificate(
        checks=(*checks, order_of_places(overall)),
        rows=_row_by_row(evidence, checks),
        overall=overall,
        ranking=ranking,
        removal=evidence.removal,
        method=explanation.method,
        output_name=explanation.output_names[column],
        n_evaluations=-(-(evaluations_of(game) - started) // len(explanation.values)),
    )


def _over_all_rows(
    evidence: Evidence, checks: Sequence[Check], *, n_population: int | None
) -> tuple[Ranking | None, Verdict | None]:
    """Return ranking and verdict over all rows, ``None`` where rows have players of their own."""
    explanation = evidence.explanation
    if explanation.row_player_names is not None:
        return None, None
    ranking = rank_players(explanation, evidence.second, output=evidence.output, n_population=n_population)
    return ranking, judge(
        ranking,
        names=explanation.player_names,
        scale=float(evidence.scale.max()),
        is_drawn=explanation.random_state is not None,
        objections=objections_to_all(evidence, checks),
    )


def _row_by_row(evidence: Evidence, checks: Sequence[Check]) -> tuple[Verdict, ...]:
    """Return the verdict on each row's own ranking."""
    explanation = evidence.explanation
    shared = shared_objections(evidence, checks)
    verdicts = []
    for row in range(len(explanation.values)):
        ranking = rank_row(explanation, evidence.second, row, output=evidence.output)
        names = explanation.player_names if explanation.row_player_names is None else explanation.row_player_names[row]
        verdict = judge(
            ranking,
            names=names,
            scale=float(evidence.scale[row]),
            is_drawn=explanation.random_state is not None,
            objections=(*objections_to_row(evidence, row), *shared),
        )
        verdicts.append(verdict)
    return tuple(verdicts)


def _output(explanation: Explanation, output: str | int | None) -> int:
    """Return the position of the output asked for."""
    names = explanation.output_names
    if output is None and len(names) == 1:
        return 0
    if isinstance(output, str) and output in names:
        return names.index(output)
    if isinstance(output, int) and 0 <= output < len(names):
        return output
    raise ValueError(f"output must be one of {names} or its position, got {output!r}.")


def _check_fit(game: Game | RaggedGame, explanation: Explanation) -> None:
    n_rows = sum(len(rows) for rows, _ in parts_of(game))
    n_players = max(len(part.player_names) for _, part in parts_of(game))
    if explanation.values.shape[:2] != (n_rows, n_players):
        raise ValueError(
            f"explanation must be of this game, {n_rows} rows and {n_players} players, "
            f"got {explanation.values.shape[0]} and {explanation.values.shape[1]}."
        )


def _other_seed(first: Explanation, second: Explanation) -> Explanation:
    if second.values.shape != first.values.shape:
        raise ValueError(
            f"second must explain the same rows by the same players, shape {first.values.shape}, "
            f"got {second.values.shape}."
        )
    if first.random_state is not None and second.random_state == first.random_state:
        raise ValueError(f"second must have another seed than the explanation, got {second.random_state!r} for both.")
    return second


def _accepted(limits: Mapping[str, Range] | None) -> Mapping[str, Range]:
    names = (*CHECK_LIMITS, "SHAP and LIME")
    unknown = sorted(set(limits or {}) - set(names))
    if unknown:
        raise ValueError(f"limits must name checks, among {list(names)}, got {unknown}.")
    return {**CHECK_LIMITS, **(limits or {})}
