"""What the merchandiser's dossier adds: what is offered, whom to write to, how much to stock."""

from typing import Any

from appkit.reporting import DomainSection, ReportContext
from appkit.reporting.advice.context import AdviceContext
from domains.retail.report.demand_report import demand_report
from domains.retail.report.fidelity import fidelity_blocks
from domains.retail.report.offered import offered_section
from domains.retail.report.stock_study import StockStudy
from domains.retail.report.stocking import stocking_section
from domains.retail.report.targeting import targeting_section

__all__ = ["demand_report", "report_sections"]


def report_sections(context: Any) -> tuple[DomainSection, ...]:
    """Return the sections of a recommender, of who buys, or of demand; of several classes none.

    Limits are read by the names ``"WAPE"``, ``"Bias"``, ``"Quantile coverage"`` (the share at or below the highest
    quantile) and ``"Buyers reached"`` (by the 20 % most likely customers).
    """
    if isinstance(context, AdviceContext):
        return (offered_section(context), fidelity_blocks(context))
    assert isinstance(context, ReportContext)
    if context.evaluation.task == "binary":
        return targeting_section(context)
    if isinstance(context.study, StockStudy):
        return stocking_section(context, context.study)
    return ()
