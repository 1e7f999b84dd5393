"""Reasons for the applicant whose decision is explained."""

from appkit.reporting import DomainSection, ReportContext
from appkit.reporting.content.phrasing import label_of
from appkit.reporting.facts import (
    Block,
    NotFilled,
    Reason,
    ReasonCodes,
)
from appkit.reporting.words import list_text
from domains.finance.explanation import reason_codes
from domains.finance.model import find_protected

__all__ = ["applicant_section"]


def applicant_section(context: ReportContext) -> DomainSection:
    return DomainSection(key="case", title="One applicant", question="", blocks=(_reason_block(context),))


def _reason_block(context: ReportContext) -> Block:
    item = "Reasons given to the applicant"
    case = context.case
    if not case.is_flagged:
        return NotFilled(item=item, why="This applicant is not declined", argument="case=")
    named = set() if context.protected is None else {str(name) for name in context.protected.columns}
    used = sorted((set(find_protected(context.X.columns)) | named) & set(case.shapley.player_names))
    if used:
        why = f"{list_text(tuple(map(label_of, used)))} drive the model, so reasons that leave them out would be untrue"
        return NotFilled(item=item, why=why, fill="a model fitted without them")
    (reasons,) = reason_codes(case.shapley, reference="all training applicants")
    if not reasons:
        return NotFilled(item=item, why="No effect that raises the risk exceeds two standard errors", fill="more rows")
    return ReasonCodes(
        title=item,
        note="Against all training applicants, strongest first; only effects beyond two standard errors.",
        reasons=tuple(Reason(reason.sentence, reason.effect, reason.standard_error) for reason in reasons),
    )
