"""What a report can know of a study by itself, and what its author has told."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from appkit.prediction import Estimate

__all__ = ["SplitFacts", "StudyFacts"]


@dataclass(frozen=True)
class SplitFacts:
    """One partition of the data.

    Parameters
    ----------
    name
        ``"training"``, ``"validation"``, ``"test"``.
    n_images
        Images in it.
    n_patients
        Patients in it; ``None`` where they are not known.
    classes
        Label and number of images of each class.
    """

    name: str
    n_images: int
    n_patients: int | None = None
    classes: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class StudyFacts:
    """Facts of a study; what is empty or ``None`` is not known.

    Parameters
    ----------
    data_name, data_source, data_licence
        The data, where they come from (an address or institution), and under which terms.
    acquisition
        Modality, devices and protocol, as far as the files tell.
    event
        The outcome that is predicted, and how it was established: ``"pneumonia, by two readers"``.
    splits
        Partitions in the order of use.
    exclusions
        Reason and number of images left out.
    is_split_by_patient
        Whether no patient is in two partitions; ``None`` where patients are not known.
    n_duplicates
        Images found more than once; ``None`` where none were looked for.
    preprocessing
        Steps from the file to the network, in order.
    missing_data
        What was done about images or labels that were missing.
    network, n_parameters, input_shape
        Name and size of the network, and what it is given: ``"28 x 28 pixels, grey"``.
    initial_weights
        Where the weights started: ``"at random"``, or the name of the model they come from.
    training
        Name and value of each setting: augmentation, learning rate, epochs.
    n_networks
        Networks whose probabilities are averaged.
    selection
        By which rule, on which data, the final model was picked.
    class_balance
        What was done about rare classes, and how probabilities were set right after it.
    thresholds
        Which thresholds are used and on which data they were chosen.
    seed
        Seed of all random draws.
    software
        Name and version of each package.
    hardware
        What the model was trained on.
    metrics
        Figures of the test images, with their intervals.
    interval_method
        How intervals were made and differences tested.
    calibration
        Figures of calibration among the metrics or beside them.
    subgroups
        Columns by which performance is told.
    characteristics
        Columns of which the distribution is told by partition: age, sex.
    n_errors_shown
        Wrongly decided images that the report lists; ``None`` without a list.
    explanation, explanation_checks
        Method by which answers are explained, and the tests it was put to.
    robustness
        What was varied to see whether the result stands.
    external_test
        Data from elsewhere that the model was tested on, or why there are none.
    intended_use
        For whom, where and by whom the model is meant to be used.
    model_hash
        Hash of the stored model.
    command
        Command or code that makes the result again.
    statements
        The author's own text by item, which goes before ours: ``{"CLAIM 44": "No funding."}``.

    Examples
    --------
    >>> facts = StudyFacts(data_name="PneumoniaMNIST", splits=(SplitFacts("test", 624),))
    >>> facts.splits[0].n_images
    624
    """

    data_name: str = ""
    data_source: str = ""
    data_licence: str = ""
    acquisition: str = ""
    event: str = ""
    splits: tuple[SplitFacts, ...] = ()
    exclusions: tuple[tuple[str, int], ...] = ()
    is_split_by_patient: bool | None = None
    n_duplicates: int | None = None
    preprocessing: tuple[str, ...] = ()
    missing_data: str = ""
    network: str = ""
    n_parameters: int | None = None
    input_shape: str = ""
    initial_weights: str = ""
    training: tuple[tuple[str, str], ...] = ()
    n_networks: int | None = None
    selection: str = ""
    class_balance: str = ""
    thresholds: str = ""
    seed: int | None = None
    software: tuple[tuple[str, str], ...] = ()
    hardware: str = ""
    metrics: tuple[Estimate, ...] = ()
    interval_method: str = ""
    calibration: tuple[Estimate, ...] = ()
    subgroups: tuple[str, ...] = ()
    characteristics: tuple[str, ...] = ()
    n_errors_shown: int | None = None
    explanation: str = ""
    explanation_checks: tuple[str, ...] = ()
    robustness: str = ""
    external_test: str = ""
    intended_use: str = ""
    model_hash: str = ""
    command: str = ""
    statements: Mapping[str, str] = field(default_factory=dict)
