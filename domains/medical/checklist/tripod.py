"""The items of TRIPOD+AI, for studies that develop or evaluate a prediction model.

Collins, Moons, Dhiman and others (2024). TRIPOD+AI statement: updated guidance for reporting clinical prediction models
that use regression or machine learning methods. BMJ 385, e078378. What each item asks is told here in our words.
"""

from domains.medical.checklist.items import items_of

__all__ = ["TRIPOD_AI"]

TRIPOD_AI = items_of(
    "TRIPOD+AI",
    """
1 | Title | The title says that a prediction model is made or tested, for whom, and for which outcome.
2 | Abstract | The abstract follows the guideline's own list for abstracts.
3a | Background | The diagnostic or prognostic question, why a model is wanted, and which there are already.
3b | Intended use | For which patients, at which point of care, and for which users the model is meant.
3c | Health inequalities | Which inequalities between groups of people are known here.
4 | Objectives | Whether a model is developed, evaluated, or both.
5a | Data sources | Where the data for development and for evaluation come from, and whom they represent.
5b | Dates | When the participants' data were collected.
6a | Setting | Level of care, number and place of the centres.
6b | Eligibility | Who could take part.
6c | Treatments | Which treatments were given and how they were allowed for, if that matters.
7 | Data preparation | How data were cleaned and prepared, and whether alike for all groups.
8a | Outcome | What is predicted and when, how it was established, and whether alike for all groups.
8b | Outcome assessors | Who judged the outcome, where that takes judgement.
8c | Blinding | What kept those who judged the outcome from knowing more than they should.
9a | Choice of predictors | How the model's inputs were chosen before modelling.
9b | Predictors | What each input is, and how and when it was measured.
9c | Predictor assessors | Who judged the inputs, where that takes judgement.
10 | Sample size | Why the data were enough, for development and for evaluation.
11 | Missing data | What was done about missing data, and why any were left out.
12a | Use of the data | Which data developed and which evaluated the model, and how they were parted.
12b | Handling of predictors | How inputs were scaled or transformed.
12c | Model building | Type of model, all steps of building and tuning it, and how it was tested within.
12d | Clusters | How differences between centres or other clusters were allowed for.
12e | Performance measures | Which measures and plots judge the model, and why these.
12f | Updating | Whether the model was changed after it was evaluated.
12g | Computing predictions | How predictions were computed when the model was evaluated.
13 | Class imbalance | What was done about rare classes, and how probabilities were set right after it.
14 | Fairness | What was done so that the model is fair, and why.
15 | Model output | What the model puts out, and how thresholds were found where it classifies.
16 | Training against evaluation | How the two sets of data differ: in setting, eligibility, outcome, inputs.
17 | Ethics | Who approved the study, and how consent was given or waived.
18a | Funding | Who paid, and what part they had in the study.
18b | Conflicts of interest | What interests the authors have.
18c | Protocol | Where the protocol is found, or that there was none.
18d | Registration | Register and number, or that the study was not registered.
18e | Data sharing | Whether and where the data can be had.
18f | Code sharing | Whether and where the code can be had.
19 | Patient and public involvement | What part patients and the public had in the study, or that they had none.
20a | Flow of participants | How many were followed through the study, with and without the outcome.
20b | Characteristics | Who the participants were, overall and by source, and what was missing.
20c | Development against evaluation | How inputs and outcome are distributed in either set.
21 | Participants by analysis | How many participants and events each step of the analysis had.
22 | Model specification | The model itself, so that others can use and test it.
23a | Performance | Figures with intervals, for key subgroups too.
23b | Performance by cluster | How performance differs between clusters, if that was looked at.
24 | Updated model | The changed model and how it does, if it was changed.
25 | Interpretation | What the results mean, fairness included, beside earlier studies.
26 | Limitations | What may bias the result or keep it from holding elsewhere.
27a | Poor input | What to do in use where an image is bad or absent.
27b | Users | What users must do and know to use the model.
27c | Next steps | What is to be studied next.
""",
)
