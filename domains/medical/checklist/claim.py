"""The items of CLAIM, the checklist for artificial intelligence in medical imaging, as updated in 2024.

Tejani, Klontzas, Gatti, Mongan, Moy, Park and Kahn (2024). Checklist for Artificial Intelligence in Medical Imaging
(CLAIM): 2024 update. Radiology: Artificial Intelligence 6(4), e240300. What each item asks is told here in our words.
"""

from domains.medical.checklist.items import items_of

__all__ = ["CLAIM"]

CLAIM = items_of(
    "CLAIM",
    """
1 | Title | The title or abstract says that a model was learned from data, and of which kind.
2 | Abstract | A structured abstract sums up design, methods, results and conclusions.
3 | Background | The clinical question, what is known of it, and the place the model would take in care.
4 | Objectives | The aims, and the hypotheses where there are any.
5 | Study design | Were the data collected for this study, or before it?
6 | Study goal | What the study is for: making a model, trying feasibility, testing one in use.
7 | Data sources | Where the images come from, with a link where they are public.
8 | Eligibility | Who was taken into the study and who was not, where and when.
9 | Preprocessing | Every step from the stored image to the network's input.
10 | Data subsets | How parts of an examination, such as slices or regions, were picked, if any were.
11 | De-identification | How the identity of patients was removed.
12 | Missing data | What was done about missing images, labels or records, and which bias that may bring.
13 | Acquisition | How the images were made: modality, device, protocol, resolution.
14 | Reference standard | What counts as the truth for an image, so exactly that another team could repeat it.
15 | Choice of reference | Why this truth and not another.
16 | Annotators | Who assigned the truth, with which training.
17 | Annotation | How and with which tools the test images were annotated.
18 | Reader variability | How far readers agree with each other and themselves, and how disagreements were settled.
19 | Assignment to partitions | How images came to train, tune or test the model, and in which shares.
20 | Disjoint partitions | At which level the partitions have nothing in common: image, examination, patient, site.
21 | Sample size | How many test cases were intended, and why so many.
22 | Model | The network in full: input, layers, output.
23 | Software | Libraries and frameworks with their versions.
24 | Initialisation | Where the weights started: at random, or from a model trained elsewhere.
25 | Training | How the model was trained: augmentation, settings, when it stopped.
26 | Choice of the final model | By which rule, on which data, the model that is reported was picked.
27 | Ensembles | Which models were combined, and how, if several were.
28 | Performance measures | What was measured.
29 | Uncertainty and significance | How uncertainty was quantified and differences were tested.
30 | Robustness | How the result moves when data or assumptions change.
31 | Explainability | How the model's answers were explained, and how the explanations were checked.
32 | Internal testing | How well the model does on unseen data from the same source.
33 | External testing | How well it does on data from elsewhere, or why that was not tried.
34 | Trial registration | The number and registry of a clinical trial, if it is one.
35 | Inclusion and exclusion | How many patients, examinations or images were in and out, best as a diagram.
36 | Characteristics by partition | Age, sex and disease of each partition.
37 | Performance on partitions and subgroups | The final model's figures against the truth, by partition and subgroup.
38 | Diagnostic accuracy | Accuracy figures with their intervals.
39 | Failure analysis | Which cases went wrong, with examples.
40 | Limitations | What may bias the result or keep it from holding elsewhere.
41 | Implications for practice | What the model is to be used for, by whom, and what stands in the way.
42 | Protocol | Where the full protocol or further technical detail is found.
43 | Availability | Whether and where software, model and data can be had.
44 | Funding | Who paid, and what part they had in the study.
""",
)
