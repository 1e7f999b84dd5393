"""One window by sensors over stretches of time: the map, how far it is to be trusted, and its proof."""

from appkit.reporting.content.certificate import certificate_table
from appkit.reporting.content.context import ReportContext
from appkit.reporting.content.explaining import CaseOverTime
from appkit.reporting.content.maps import sensor_map_figure
from appkit.reporting.content.phrasing import capital
from appkit.reporting.content.valuing import is_loss_low
from appkit.reporting.facts import Badge, Block

__all__ = ["case_name", "over_time_blocks"]


def case_name(context: ReportContext) -> str:
    """Return what the case is called in a sentence; the name of a window or an image says by itself what it is."""
    label = context.case.label
    says_what_it_is = context.over_time is not None or context.methods is not None
    return label if says_what_it_is else f"{context.words['case']} {label}"


def over_time_blocks(context: ReportContext) -> tuple[Block, ...]:
    """Return badge, map and certificate of the case over time; nothing where rows are no windows."""
    found, words = context.over_time, context.words
    if found is None:
        return ()
    table = certificate_table(
        found.certificate.checks,
        context,
        n_players=len(found.shapley.player_names),
        subject=f"map of {context.case.label}",
        players=f"{words['columns']} by stretch of time",
        caption=f"Certificate of the map; numbers without an interval stand for this one {words['row']}.",
    )
    figure = sensor_map_figure(
        found.shapley,
        step_name=words["steps"],
        event_at="low" if is_loss_low(context) else "high",
        key="case-map",
        case=capital(case_name(context)),
        value=words["event"] if context.subject.task == "binary" else words["value"],
        unit=words["unit"],
    )
    return (_badge(found, context), figure, table)


def _badge(found: CaseOverTime, context: ReportContext) -> Badge:
    """Return how far the order of cells holds; colours and sums hold within their own standard errors."""
    (verdict,), words = found.certificate.rows, context.words
    cells = f"{words['column']} and stretch of time"
    if verdict.status == "nothing to rank":
        reason = f"The prediction is the same whatever the {words['columns']} say."
        return Badge(level="open", claim="Nothing on the map moves the prediction.", reason=reason)
    reason = f"{capital(verdict.reason)} Colours and sums hold within their standard errors."
    if verdict.status == "reliable":
        return Badge(level="pass", claim=f"The order of all {verdict.n_players} cells is settled.", reason=reason)
    if verdict.rank:
        claim = f"The order of cells is settled down to place {verdict.rank} of {verdict.n_players}."
        return Badge(level="open", claim=claim, reason=reason)
    if found.certificate.failed:
        return Badge(level="fail", claim="Map not reliable: a check speaks against it.", reason=capital(verdict.reason))
    return Badge(level="open", claim=f"Which {cells} matters most is not settled.", reason=reason)
