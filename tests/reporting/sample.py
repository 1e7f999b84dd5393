"""A report of invented facts that shows every block once, in the order of a credit report."""

import math
from dataclasses import replace

from appkit.reporting import Report
from appkit.reporting.facts import (
    Axis,
    Badge,
    Bar,
    BarRows,
    BeeswarmFigure,
    BeeswarmRow,
    CalibrationBin,
    CalibrationFigure,
    Certificate,
    Challenger,
    ChallengerTable,
    Change,
    Check,
    Counterfactual,
    Curve,
    CurveFigure,
    CurvePoint,
    DataTable,
    Fact,
    FactList,
    FairnessFigure,
    Grade,
    GradeTable,
    Group,
    Histogram,
    HistoryFigure,
    HistoryItem,
    ImageCell,
    ImageMap,
    ImageMapFigure,
    ImportanceFigure,
    ImportanceRow,
    ItemHistoryFigure,
    Limit,
    LimitRow,
    LimitTable,
    Measure,
    NotFilled,
    Option,
    OptionsNote,
    OtherSteps,
    Outcome,
    Paragraphs,
    PerHundred,
    Period,
    RankTile,
    Reason,
    ReasonCodes,
    Reproduction,
    Section,
    SensorMapFigure,
    SensorRow,
    Step,
    Thumbnail,
    ThumbnailGallery,
    Tile,
    Verdict,
    WarningBox,
    WaterfallFigure,
    Wording,
)

__all__ = ["beeswarm", "credit_report", "small_report"]

COLUMNS = (
    ("Credit utilisation", "% of limit", 2.62, 0.07, 2.31, 1),
    ("Months since last missed payment", "months", 2.05, 0.06, 1.94, 2),
    ("External score", "points", 1.71, 0.06, 1.32, 4),
    ("Debt to income", "%", 1.38, 0.05, 1.46, 3),
    ("Loan amount", "EUR", 1.06, 0.05, 0.97, 5),
    ("Enquiries, last 6 months", "count", 0.84, 0.04, 0.81, 6),
    ("Months in current job", "months", 0.63, 0.04, 0.66, 7),
    ("Loan purpose", "category", 0.37, 0.05, 0.29, 9),
    ("Loan term", "months", 0.34, 0.05, 0.36, 8),
    ("Savings balance", "EUR", 0.31, 0.05, 0.17, 12),
    ("Housing", "category", 0.19, 0.05, 0.22, 10),
    ("Age of oldest account", "months", 0.17, 0.05, 0.20, 11),
)
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR42mNoAAAAggCB2kUIOwAAAABJRU5ErkJggg=="  # one grey pixel
MODEL_HASH = "7c1e4fa092b3" + 48 * "0" + "e18d"
DATA_HASH = "b40a77d15c20" + 48 * "0" + "03fe"


def small_report() -> Report:
    """Return a report of one tile, one fact and one table."""
    table = DataTable(caption="Counts", columns=("Grade", "Loans"), rows=(("A", 1148), ("B", 905)))
    return Report(
        title="Default <12 months",
        kicker="Loans",
        lead="The model ranks well.",
        tiles=(Tile(name="AUC", measure=Measure(0.816, 0.801, 0.831), limit=Limit(low=0.75)),),
        facts=(Fact("Seed", "0"),),
        sections=(Section(key="counts", title="Counts", question="How many?", blocks=(table,)),),
    )


def credit_report() -> Report:
    """Return the credit report of the design, every figure invented."""
    return Report(
        title="Credit default within 12 months",
        kicker="Credit risk, retail loans",
        lead="The model ranks applicants well and its probabilities hold. One column fails its drift limit and needs "
        "an answer before use. Approval of applicants under 26 and the order of the explanation below rank 7 are not "
        "settled.",
        tiles=_tiles(),
        facts=_facts(),
        sections=(
            _performance(),
            _stability(),
            _drivers(),
            _case(),
            _fairness(),
            _challengers(),
            _maps(),
            _limits(),
            _repro(),
        ),
        wording=Wording(event="default", row="loan", rows="loans"),
        running_head="Credit default within 12 months, model 7c1e4fa0",
        flag="All figures invented.",
    )


def beeswarm(column: str, *, low: float, high: float, rises: bool = True) -> BeeswarmRow:
    """Return a row of 100 quantiles between two effects."""
    middle, half = (low + high) / 2, (high - low) / 2
    effects = tuple(middle + half * math.tanh((i - 49.5) / 28) * (1 + 0.1 * (i / 99)) for i in range(100))
    levels = tuple((i + 0.5) / 100 if rises else 1 - (i + 0.5) / 100 for i in range(100))
    return BeeswarmRow(column, effects, levels, mean_highest=high * 0.7, mean_lowest=low * 0.7)


def _tiles() -> tuple[Tile | RankTile | NotFilled, ...]:
    return (
        Tile(
            name="Ranking of applicants (AUC)",
            measure=Measure(0.816, 0.801, 0.831),
            limit=Limit(low=0.75),
            sentence="Given one defaulter and one payer, the model ranks them rightly 8 times in 10.",
        ),
        Tile(
            name="Calibration slope",
            measure=Measure(0.99, 0.92, 1.06),
            limit=Limit(low=0.9, high=1.1),
            sentence="1 means predicted and observed rates move together.",
        ),
        Tile(
            name="Cost per applicant against incumbent",
            measure=Measure(-15.0, -21.0, -9.0, unit="EUR"),
            limit=Limit(high=0.0, label="no change"),
            sentence="EUR 153 against EUR 168; cost ratio 5 to 1.",
        ),
        Tile(
            name="Drift of the score (PSI, 2018 Q4)",
            measure=Measure(0.064, 0.037, 0.091, decimals=2),
            limit=Limit(high=0.1),
            sentence="Rising for six quarters; one column fails its limit.",
        ),
        Tile(
            name="Lowest approval ratio (under 26)",
            measure=Measure(0.838, 0.783, 0.893),
            limit=Limit(low=0.8),
            sentence="The interval crosses the limit; about 1 500 more loans of this group would settle it.",
        ),
        RankTile(
            name="Explanation ranking",
            reliable=7,
            total=14,
            sentence="Effects add up to the prediction; SHAP and LIME name the same seven.",
        ),
    )


def _facts() -> tuple[Fact, ...]:
    return (
        Fact("Model", "CreditRiskClassifier, 16 members, monotone in 4 columns"),
        Fact("Model hash", MODEL_HASH, is_code=True),
        Fact("Seed", "0"),
        Fact("Training data", "Invented loans, 2015-01 to 2017-06, n = 18 240"),
        Fact("Test data", "2018-07 to 2018-12, n = 6 000, 798 defaults (13.3 %)"),
        Fact("Data hash", DATA_HASH, is_code=True),
        Fact("Event", "default within 12 months of opening"),
        Fact("Report date", "2026-01-15, schema 1"),
        Fact("Software", "appkit 0.1.0, torch 2.9.0, CPU"),
    )


def _performance() -> Section:
    x = tuple(i / 100 for i in range(101))
    y = tuple(value**0.27 for value in x)
    low = tuple(max(value - 0.09 * math.sqrt(value * (1 - value)) - 0.01 * (1 - value), 0.0) for value in y)
    high = tuple(min(value + 0.09 * math.sqrt(value * (1 - value)), 1.0) for value in y)
    roc = CurveFigure(
        key="roc",
        finding="At the chosen threshold the model catches 63 % of defaults and declines 18 % of good loans",
        caption="Test loans, n = 6 000, 2018 Q3 and Q4. Band and cross: 95 % intervals from 400 resamples.",
        description="Curve well above the diagonal. At the operating point 63 % of defaults are caught while 18 % of "
        "good loans are declined.",
        how_to_read="Each point of the curve is a possible threshold. Up is more defaults caught, right is more good "
        "applicants turned away. The dot is the threshold in use.",
        x_axis=Axis("Good loans declined", "%"),
        y_axis=Axis("Defaults caught", "%", 0.0, 1.0),
        curves=(Curve("This model", x, y, low, high),),
        point=CurvePoint(
            "Operating point",
            Measure(0.185, 0.175, 0.195, unit="%"),
            Measure(0.634, 0.600, 0.665, unit="%"),
            note="at 16.7 %",
        ),
        reference=(0.0, 0.0, 1.0, 1.0),
        reference_label="no better than chance",
    )
    predicted = (0.006, 0.016, 0.027, 0.041, 0.059, 0.082, 0.113, 0.164, 0.250, 0.478)
    observed = (0.004, 0.027, 0.032, 0.047, 0.063, 0.088, 0.133, 0.173, 0.268, 0.497)
    calibration = CalibrationFigure(
        key="calibration",
        finding="Predicted probabilities match observed default rates in nine of ten groups",
        caption="Ten equal groups of 600 loans by predicted probability. Bars: 95 % Wilson intervals.",
        x_axis=Axis("Predicted probability of default", "%"),
        y_axis=Axis("Observed default rate", "%"),
        bins=tuple(CalibrationBin(p, _rate(o, 600), 600) for p, o in zip(predicted, observed, strict=True)),
        histogram=Histogram(0.0, 0.6, tuple(round(900 * math.exp(-i / 4)) + 6 for i in range(30))),
        threshold=0.167,
    )
    hundred = PerHundred(
        key="hundred",
        finding="Of 100 applicants, 24 are declined and 5 of the 76 accepted default",
        caption="Test loans rounded to 100; in this test set the outcome of would-be declines is known.",
        how_to_read="One mark is one applicant in a hundred. Circles are accepted, squares declined; filled marks "
        "defaulted.",
        outcomes=(
            Outcome("accepted, repaid", 4240, "accepted", False),
            Outcome("accepted, defaulted", 292, "accepted", True),
            Outcome("declined, would have repaid", 962, "declined", False),
            Outcome("declined, would have defaulted", 506, "declined", True),
        ),
    )
    grades = (
        Grade("A", "under 2", 1148, 16, 0.011, _rate(0.0139, 1148)),
        Grade("B", "2 to 4", 905, 28, 0.030, _rate(0.0309, 905)),
        Grade("C", "4 to 8", 1186, 75, 0.058, _rate(0.0632, 1186)),
        Grade("D", "8 to 14", 1023, 125, 0.106, _rate(0.1222, 1023)),
        Grade("E", "14 to 22", 690, 132, 0.176, _rate(0.1913, 690)),
        Grade("F", "22 to 35", 564, 158, 0.278, _rate(0.2801, 564)),
        Grade("G", "35 and over", 484, 264, 0.513, _rate(0.5455, 484)),
    )
    table = GradeTable(
        title="Observed default rates hold in all seven grades",
        caption="Dot and bar: observed default rate with 95 % Wilson interval. Upright stroke: mean predicted rate.",
        grades=grades,
    )
    return Section(
        key="performance",
        title="Performance",
        question="Does the model rank applicants rightly, and do its probabilities come true?",
        blocks=(roc, calibration, hundred, table),
        starts_page=True,
    )


def _stability() -> Section:
    box = WarningBox(
        level="fail",
        finding="Enquiries in the last six months have shifted past their limit",
        text="PSI 0.14 (0.11 to 0.18), limit 0.10. The model leans on this column in sixth place. Check whether the "
        "bureau changed how enquiries are counted before the next release.",
    )
    values = ((0.018, 0.016), (0.024, 0.018), (0.031, 0.019), (0.047, 0.023), (0.052, 0.023), (0.064, 0.027))
    quarters = (("Q3", "2017"), ("Q4", "2017"), ("Q1", "2018"), ("Q2", "2018"), ("Q3", "2018"), ("Q4", "2018"))
    history = HistoryFigure(
        key="psi",
        finding="The score has drifted every quarter and is still inside the limit",
        caption="Against training loans, 2015 to 2017 Q2. Bars: 95 % intervals.",
        how_to_read="0 means applicants score as they did in training. Above the dashed line the population has "
        "changed enough to re-check the model.",
        y_axis=Axis("PSI of the score"),
        periods=tuple(
            Period(quarter, Measure(v, max(v - h, 0.0), v + h), year, 2980 + 20 * i)
            for i, ((v, h), (quarter, year)) in enumerate(zip(values, quarters, strict=True))
        ),
        limit=Limit(high=0.1, label="limit 0.10 (set by the reviewer)"),
    )
    drift = (
        ("Enquiries, last 6 months", 0.142, 0.035),
        ("External score", 0.071, 0.031),
        ("Debt to income", 0.048, 0.025),
        ("Credit utilisation", 0.039, 0.023),
        ("Loan amount", 0.022, 0.020),
        ("Months in current job", 0.012, 0.016),
    )
    columns = BarRows(
        key="psi-columns",
        finding="One column moved: enquiries in the last six months",
        caption="2018 Q4 against training; the six largest of 14 columns. Whiskers: 95 % intervals.",
        axis=Axis("PSI, 2018 Q4"),
        bars=tuple(Bar(name, Measure(v, max(v - h, 0.0), v + h, decimals=2)) for name, v, h in drift),
        limit=Limit(high=0.1),
        n_total=14,
    )
    return Section(
        key="stability",
        title="Stability",
        question="Are today’s applicants still those the model learned from?",
        blocks=(box, history, columns),
    )


def _drivers() -> Section:
    badge = Badge(
        level="open",
        claim="Ranking reliable up to rank 7 of 14.",
        reason="Places 7 and 8 differ by 0.26 points with a standard error of 0.06, a clear gap. Places 8, 9 and 10 "
        "differ by 0.06 or less with a standard error of 0.07, so a new sample may swap them.",
    )
    ranks = [(i, i) for i in range(1, 8)] + [(8, 10)] * 3 + [(11, 14)] * 2
    importance = ImportanceFigure(
        key="importance",
        finding="Utilisation and payment history matter most; the first seven places are certain",
        caption="Mean absolute Shapley value of the default probability over 2 000 test loans (solid) beside the mean "
        "absolute LIME weight (outline, its own rank at the end). 12 of 14 columns shown. Whiskers: 95 % intervals.",
        axis_label="percentage points",
        rows=tuple(
            ImportanceRow(name, unit, low, high, _size(value, error), _size(lime, 0.08), lime_rank)
            for (name, unit, value, error, lime, lime_rank), (low, high) in zip(COLUMNS, ranks, strict=True)
        ),
        reliable=7,
        n_columns=14,
    )
    swarm = BeeswarmFigure(
        key="beeswarm",
        finding="High utilisation or a recent missed payment can add 7 points; no other column adds more than 5",
        caption="Shapley values of 2 000 test loans, drawn as 100 quantile dots per column. Only the seven columns "
        "with a reliable rank are shown.",
        axis_label="effect on predicted default probability (percentage points)",
        rows=(
            beeswarm("Credit utilisation", low=-0.045, high=0.075),
            beeswarm("Months since last missed payment", low=-0.04, high=0.082, rises=False),
            beeswarm("External score", low=-0.045, high=0.045, rises=False),
            beeswarm("Debt to income", low=-0.03, high=0.04),
            beeswarm("Loan amount", low=-0.02, high=0.035),
            _with_gaps(beeswarm("Enquiries, last 6 months", low=-0.015, high=0.015)),
            beeswarm("Months in current job", low=-0.013, high=0.014, rises=False),
        ),
    )
    certificate = Certificate(
        caption="Explanation certificate, 2 000 loans. 95 % intervals in brackets.",
        checks=(
            Check("Additivity gap", "Do the effects add up to the prediction?", Measure.exact(2e-7), Limit(high=1e-5)),
            Check(
                "Sampling error",
                "Largest standard error of a global value",
                Measure.exact(0.0007, unit="points"),
                Limit(high=0.001),
            ),
            Check(
                "Second seed",
                "Share of each loan’s top five that stays",
                Measure(0.94, 0.92, 0.96, unit="%", decimals=0),
                Limit(low=0.9),
            ),
            Check(
                "Deletion",
                "Does removing what matters move the output more than removing at random?",
                Measure(3.1, 2.8, 3.4, unit="times", decimals=1),
                Limit(low=1.5),
            ),
            Check(
                "SHAP and LIME",
                "Rank correlation, all 14 columns",
                Measure(0.91, 0.86, 0.94, decimals=2),
                Limit(low=0.8),
            ),
            Check(
                "Order of places",
                "Neighbours separated by two standard errors",
                result="places 1 to 7",
                limit_text="all 14",
                outcome=Verdict("open", "limited"),
            ),
        ),
    )
    return Section(
        key="drivers",
        title="What drives the model",
        question="Which columns matter over all loans, how surely, and in which direction?",
        blocks=(badge, importance, swarm, certificate),
    )


def _case() -> Section:
    steps = (
        Step("Credit utilisation", "91 %", 0.074, 0.004, 0.061, 0.005),
        Step("Months since last missed payment", "4 months", 0.051, 0.004, 0.046, 0.005),
        Step("External score", "541 points", 0.026, 0.004, 0.014, 0.005),
        Step("Debt to income", "44 %", 0.024, 0.003, 0.029, 0.005),
        Step("Loan amount", "EUR 14 500", 0.017, 0.003, 0.012, 0.005),
        Step("Enquiries, last 6 months", "6", 0.013, 0.003, 0.015, 0.004),
        Step("Months in current job", "62 months", -0.010, 0.003, -0.008, 0.004),
    )
    fall = WaterfallFigure(
        key="case-004217",
        finding="High utilisation and a recent missed payment lift this applicant from 13.0 % to 33.1 %",
        caption="Applicant 004217, declined. Effects in percentage points of default probability; they add up to the "
        "prediction exactly. LIME weights do not add up and are shown for comparison.",
        axis_label="default probability (%)",
        average=0.130,
        output=0.331,
        steps=steps,
        others=OtherSteps(7, 0.006, 0.005),
        threshold=0.167,
        threshold_label="decline at 16.7 % or more",
        average_label="Average applicant",
        case_label="This applicant",
        raises_label="raises the risk",
    )
    reasons = ReasonCodes(
        title="Reasons given to the applicant",
        note="Ranked by effect against approved applicants; columns of one concept are merged. Each is at least four "
        "standard errors from zero.",
        reasons=(
            Reason("Share of available credit in use is high", 0.074, 0.004),
            Reason("A payment was missed four months ago", 0.051, 0.004),
            Reason("External credit score is low", 0.026, 0.004),
            Reason("Monthly debt is high for the stated income", 0.024, 0.003),
        ),
    )
    change = Counterfactual(
        title="The smallest change found that would be approved",
        note="Only columns the applicant can change; all others held. Checked by scoring the changed row.",
        before=Measure(0.331, unit="%"),
        after=Measure(0.159, unit="%"),
        changes=(
            Change("Utilisation", "91 %", "34 %"),
            Change("Debt to income", "44 %", "31 %"),
            Change("Loan", "EUR 14 500", "EUR 9 000"),
            Change("Term", "36 months", "36 months"),
        ),
        sentence="Decline starts at 16.7 %. The changed row is closer to real approved applicants than 81 % of them "
        "are to each other, so it is a plausible case. It describes the model, not a promise.",
    )
    return Section(
        key="case",
        title="One applicant",
        question="Why was application 004217 declined, and what would have changed that?",
        blocks=(fall, reasons, change),
        starts_page=True,
    )


def _fairness() -> Section:
    small = NotFilled(item="Age: over 80", why="too few to report (minimum 30)", fill="more loans of this group")
    figure = FairnessFigure(
        key="approval",
        finding="Applicants under 26 are approved less often, and whether the limit of 0.80 is met is not settled",
        caption="Approval ratio at the operating point. Shaded: accepted range, limit set by the reviewer. Bars: 95 % "
        "bootstrap intervals. Age and sex are not model inputs.",
        axis=Axis("approval rate divided by that of the reference group"),
        groups=(
            Group("Age: under 26", 612, Measure(0.838, 0.783, 0.893, decimals=2)),
            Group("Age: 26 to 39", 2410, Measure(0.958, 0.932, 0.984, decimals=2)),
            Group("Age: 40 to 59", 2303, Measure.exact(1.0), is_reference=True),
            Group("Age: 60 to 80", 661, Measure(1.021, 0.986, 1.056, decimals=2)),
            Group("Age: over 80", 14, small),
            Group("Sex: women", 2388, Measure(0.981, 0.953, 1.009, decimals=2)),
            Group("Sex: men", 3612, Measure.exact(1.0), is_reference=True),
        ),
        limit=Limit(low=0.8),
    )
    limits = LimitTable(
        title="No gap in calibration is settled",
        caption="Observed minus predicted default rate by group, 95 % interval.",
        quantity="Gap (points)",
        label="Group",
        rows=(
            LimitRow("Age: under 26", Measure(0.012, -0.014, 0.038, unit="points"), Limit(-0.03, 0.03), 612),
            LimitRow("Age: 26 to 39", Measure(0.004, -0.008, 0.016, unit="points"), Limit(-0.03, 0.03), 2410),
        ),
    )
    return Section(
        key="fairness",
        title="Fairness",
        question="Are groups approved at comparable rates, as far as the data can tell?",
        blocks=(figure, limits),
    )


def _challengers() -> Section:
    gap = NotFilled(
        item="Log-loss of the incumbent", why="It is a score, not a probability", fill="a mapping to probability"
    )
    rows = (
        ("XGBoost", "light tune", 0.8137, -0.002, 0.005, 0.310, 0.97, 154.0),
        ("Histogram boosting", "default", 0.8077, -0.008, 0.006, 0.314, 0.92, 157.0),
        ("Logistic scorecard", "binned, 14 columns", 0.8037, -0.012, 0.007, 0.316, 1.00, 158.0),
        ("Neural, standard", "scikit-learn MLP", 0.7947, -0.021, 0.009, 0.326, 0.81, 163.0),
    )
    own = Challenger(
        "This model",
        "neural, raw columns",
        Measure(0.8157, decimals=3),
        None,
        (0.309, Measure(0.99, 0.92, 1.06), 153, 41),
        is_own=True,
    )
    others = tuple(
        Challenger(
            name,
            note,
            Measure(auc, decimals=3),
            Measure(d, d - h, d + h, decimals=3),
            (loss, Measure(slope, slope - 0.07, slope + 0.07), round(cost), 9),
        )
        for name, note, auc, d, h, loss, slope, cost in rows
    )
    incumbent = Challenger(
        "Incumbent score",
        "as recorded",
        Measure(0.782, decimals=3),
        Measure(-0.034, -0.045, -0.023, decimals=3),
        (gap, gap, 168, gap),
    )
    table = ChallengerTable(
        caption="Same split, same columns, same seed. Difference in AUC to this model, paired on the same 6 000 loans, "
        "95 % interval.",
        metric="AUC",
        challengers=(own, *others, incumbent),
        columns=("Log-loss", "Calibration slope", "Cost per applicant (EUR)", "Fit (CPU s)"),
    )
    return Section(
        key="challengers",
        title="Challengers",
        question="XGBoost cannot be told apart from this model; the other four are behind.",
        blocks=(table,),
    )


def _maps() -> Section:
    cells = tuple(
        ImageCell(f"row {i // 4 + 1}, column {i % 4 + 1}", effect, 0.004, ((4 * (i % 4), 4 * (i // 4), 4, 4),))
        for i, effect in enumerate((0.0, 0.001, 0.0, 0.002, -0.03, 0.106, 0.04, 0.0, 0.0, 0.05, 0.0, 0.0, 0, 0, 0, 0))
    )
    shapley = ImageMap("Patch Shapley", cells, 0.12, verdict=Verdict("pass", "passed all four checks"))
    image = ImageMapFigure(
        key="image",
        finding="The finding rests on the patches over the lesion",
        caption="Phantom 0031, probability of the finding 86 %.",
        width=16,
        height=16,
        maps=(shapley, replace(shapley, name="Grad-CAM", verdict=Verdict("fail", "not reliable"))),
        image=PIXEL,
        image_note="after rescale and resize to 16 × 16",
        truth=((4, 4, 4, 0), (4, 8, 4, 0), (4, 4, 0, 4), (8, 4, 0, 4)),
    )
    rise = (0.0, -0.1, -0.8, -2.4)
    sensors = SensorMapFigure(
        key="sensors",
        finding="Vibration in the last cycles shortens the predicted life",
        caption="Machine 17, cycle 142.",
        rows=(
            SensorRow("Vibration (mm/s)", rise, (0.1,) * 4, (2.5, 2.6, None, 2.9, 3.1, 4.4), -3.3, 0.2, 2.5, 4.4),
            SensorRow("Oil pressure (bar)", (0.0,) * 4, (0.1,) * 4, (4.2, 4.2, 4.1, 4.2), 0.0, 0.2, 4.1, 4.2),
        ),
        bounds=(-8.0, -6.0, -4.0, -2.0, 0.0),
        time_label="cycles before now",
        effect_label="effect on remaining life (cycles)",
        end=2.0,
        unit="cycles",
        is_reversed=True,
    )
    items = ItemHistoryFigure(
        key="items",
        finding="Because you bought green tea and ceramic cups: teapot, cast iron",
        caption="Customer 081734, advice at rank 2 of 10.",
        items=(
            HistoryItem("Phone case, black", "2011-07-19", -0.05, 0.04),
            HistoryItem("Espresso beans, 1 kg", "2011-10-03", -0.29, 0.05),
            HistoryItem("Loose-leaf green tea, 250 g", "2011-10-28", 0.86, 0.05, True),
        ),
        axis_label="score margin over the item at rank 11",
        others=OtherSteps(4, 0.12, 0.08),
    )
    pictures = ThumbnailGallery(
        key="pictures",
        finding="One finding missed; the worst two shown",
        caption="2 of 600 phantoms.",
        thumbnails=(
            Thumbnail("image 31", PIXEL, 16, 16, "finding", Measure(0.12, unit="%"), Verdict("fail", "missed")),
            Thumbnail("image 42", PIXEL, 16, 16, "clear", Measure(0.44, unit="%")),
        ),
        output_label="Probability of the finding",
    )
    blocks = (image, sensors, items, pictures)
    return Section(key="maps", title="Maps", question="Where, when and which item?", blocks=blocks)


def _limits() -> Section:
    return Section(
        key="limits",
        title="Limitations",
        question="What this report does not show, and what was missing.",
        blocks=(
            WarningBox(
                level="note",
                finding="Valid for loans like those of 2018",
                text="The test loans were all approved under the incumbent rule. For applicants it declined, nothing "
                "here is evidence.",
            ),
            WarningBox(
                level="note",
                finding="Effects describe the model, not causes",
                text="A column with a large effect is used by the model. Changing it in the world need not change the "
                "risk.",
            ),
            NotFilled(
                item="Swap set against the incumbent",
                why="No incumbent decision column was given",
                argument="incumbent_decision=",
            ),
            NotFilled(item="Approval ratio, over 80", why="14 loans; minimum 30", fill="more loans of this group"),
            NotFilled(item="Vintages before 2015", why="Training data starts in 2015", fill="older loans"),
            Paragraphs(title="Use", texts=("The score supports a credit officer. It does not replace one.",)),
            OptionsNote(
                options=(Option("Cost ratio", "5 to 1", "a missed default against a refused good loan", True),)
            ),
            NotFilled(item="Reject inference", why="Outcome of declined applicants is unknown", fill="a trial"),
        ),
    )


def _repro() -> Section:
    block = Reproduction(
        command="appkit report model.appkit loans_2018h2.parquet --target default --event 1 \\\n"
        "    --seed 0 --cost-missed 1900 --cost-refused 380 --out credit.html",
        model_hash=MODEL_HASH,
        data_hash=DATA_HASH,
        method="Shapley, antithetic permutations",
        budget="1 184 evaluations a loan, background 500 loans",
        intervals="95 %, 400 resamples, Wilson for rates",
        split="by time; no customer on both sides",
        device="CPU, 8 threads, fp32",
        seed=0,
        versions=("Python 3.11.7", "numpy 2.3.4", "pandas 2.3.3"),
        note="Run twice, the file has the same bytes at equal thread count.",
    )
    sizes = FactList(title="Sizes", facts=(Fact("Loans explained", Measure.exact(2000, unit="count")),))
    return Section(
        key="reproduction", title="Reproduction", question="The same inputs give the same bytes.", blocks=(block, sizes)
    )


def _rate(rate: float, n: int) -> Measure:
    """Return a rate with its Wilson interval."""
    z = 1.96
    middle = (rate + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return Measure(rate, min(middle - half, rate), middle + half, unit="%", decimals=1)


def _size(points: float, error: float) -> Measure:
    half = 1.96 * error
    return Measure(
        points / 100, (points - half) / 100, (points + half) / 100, unit="points", standard_error=error / 100
    )


def _with_gaps(row: BeeswarmRow) -> BeeswarmRow:
    return replace(row, levels=(*row.levels[:30], *(None,) * 12, *row.levels[42:]))
