"""One row: which, and how its prediction comes about step by step."""

import numpy as np
import pandas as pd

from appkit.reporting.content.context import ReportContext
from appkit.reporting.content.explaining import CaseExplanation
from appkit.reporting.content.image_case import image_case_blocks
from appkit.reporting.content.over_time import case_name, over_time_blocks
from appkit.reporting.content.phrasing import capital, first_that_fits, label_of, shown_value
from appkit.reporting.content.valuing import effects_in, is_loss_low, value_words
from appkit.reporting.facts import (
    Block,
    Counterfactual,
    Measure,
    NotFilled,
    OtherSteps,
    Section,
    Step,
    WaterfallFigure,
)
from appkit.reporting.numbers import value_text

__all__ = ["case_section", "choose_case"]

_MOST_STEPS = 7  # the eighth is the sum of the others
_QUANTILE = 0.9


def choose_case(
    X: pd.DataFrame,
    output: np.ndarray,
    flagged: np.ndarray | None,
    *,
    flagged_word: str = "flagged",
    loss_at: str = "high",
) -> tuple[pd.DataFrame, str]:
    """Return the row to explain as a frame of one row, and the rule it was chosen by.

    It is the median by output of the flagged rows (the upper one of two, the first of equals); where none is flagged,
    the highest output; where nothing flags, the row a tenth of the outputs away from the end at which the loss lies.

    Parameters
    ----------
    X, output, flagged
        Rows, their outputs, and which are flagged (``None`` where nothing flags).
    flagged_word
        What flagging is called.
    loss_at
        ``"high"`` or ``"low"``: the end of predicted values at which the loss lies.
    """
    order = np.argsort(output, kind="stable")
    if flagged is None:
        place = int(_QUANTILE * (len(order) - 1))
        if loss_at == "high":
            return X.iloc[[int(order[place])]], "at the 90 % quantile of predictions"
        return X.iloc[[int(order[len(order) - 1 - place])]], "at the 10 % quantile of predictions"
    chosen = order[flagged[order]]
    if not len(chosen):
        return X.iloc[[int(order[-1])]], f"the highest output, none being {flagged_word}"
    return X.iloc[[int(chosen[len(chosen) // 2])]], f"the median by predicted probability of those {flagged_word}"


def case_section(context: ReportContext, change: Counterfactual | NotFilled) -> Section:
    """Return waterfall, map over time where there is one, and counterfactual of the case."""
    words, case = context.words, context.case
    done = "" if case.is_flagged is None else f" {words['flagged']}" if case.is_flagged else f" {words['passed']}"
    question = f"Why was {case_name(context)}{done}?" if done else f"What made the prediction of {case.label}?"
    return Section(
        key="case",
        title=f"One {words['case']}",
        question=question,
        blocks=(*_steps_and_maps(context), change),
        starts_page=True,
    )


def _steps_and_maps(context: ReportContext) -> tuple[Block, ...]:
    """Return the waterfall and the map over time; of an image, whose patches are no list, its maps alone."""
    if context.methods is not None:
        return image_case_blocks(context, context.methods)
    return (_waterfall(context), *over_time_blocks(context))


def _waterfall(context: ReportContext) -> WaterfallFigure:
    case, words = context.case, context.words
    shapley, lime = case.shapley, case.lime
    values, errors = shapley.values[0, :, 0], shapley.standard_error[0, :, 0]
    order = np.argsort(-np.abs(values), kind="stable")
    n_steps = len(order) if len(order) <= _MOST_STEPS + 1 else _MOST_STEPS
    steps = tuple(
        Step(
            label_of(shapley.player_names[i]),
            shown_value(shapley.data[0, i]),
            float(values[i]),
            float(errors[i]),
            None if lime is None else float(lime.values[0, i, 0]),
            None if lime is None else float(lime.standard_error[0, i, 0]),
        )
        for i in order[:n_steps]
    )
    rest = order[n_steps:]
    others = (
        OtherSteps(len(rest), float(values[rest].sum()), float(np.sqrt((errors[rest] ** 2).sum())))
        if len(rest)
        else None
    )
    is_share = context.subject.is_probability
    unit = "%" if is_share else words["unit"]
    name = capital(case_name(context))
    threshold = context.threshold if context.subject.task == "binary" else None
    return WaterfallFigure(
        key="case-steps",
        finding=case_finding(case, steps, words_case=words["case"], unit=unit),
        caption=f"{name}, {case.rule}. Effects{effects_in(context)}; they add up to "
        "the prediction, whiskers are two standard errors. LIME weights do not add up and are shown for comparison."
        f"{_shown_note(context)}",
        axis_label=_axis_label(context),
        average=float(shapley.base_value[0, 0]),
        output=case.output,
        steps=steps,
        others=others,
        unit=unit,
        effect_unit="points" if is_share else words["unit"],
        threshold=threshold,
        threshold_label=""
        if threshold is None
        else f"{words['flagged']} at {value_text(Measure.exact(threshold, unit='%'))} or more",
        average_label=f"Average {words['case']}" if context.over_time is None else "As usual",
        case_label=f"This {words['case']}",
        raises_label="raises the risk"
        if context.domain is not None and threshold is not None
        else "raises the prediction",
        is_reversed=is_loss_low(context),
    )


def _axis_label(context: ReportContext) -> str:
    if context.subject.task == "binary":
        return f"{context.words['event']} probability (%)"
    return f"predicted {value_words(context)}" if context.words["unit"] else "prediction"


def _shown_note(context: ReportContext) -> str:
    if context.over_time is None:
        return ""
    return f" Beside each {context.words['column']}: its mean over the {context.words['row']}; of the age the newest."


def case_finding(case: CaseExplanation, steps: tuple[Step, ...], *, words_case: str, unit: str) -> str:
    """Return which columns certainly moved the prediction furthest in its direction, from where to where."""
    start, end = float(case.shapley.base_value[0, 0]), case.output
    texts = tuple(value_text(Measure(value, decimals=1 if unit == "%" else None, unit=unit)) for value in (start, end))
    does = "lift" if end >= start else "lower"
    sign = 1 if end >= start else -1
    leading = [step.column for step in steps if sign * step.effect > 2 * step.standard_error][:2]
    plain = f"The prediction for this {words_case} goes from {texts[0]} to {texts[1]}"
    if not leading:
        return plain
    if len(leading) == 1:
        return first_that_fits(f"{leading[0]} {does}s this {words_case} from {texts[0]} to {texts[1]} most", plain)
    return first_that_fits(
        f"{leading[0]} and {leading[1].lower()} most {does} this {words_case} from {texts[0]} to {texts[1]}",
        f"{leading[0]} most {does}s this {words_case} from {texts[0]} to {texts[1]}",
        plain,
    )
