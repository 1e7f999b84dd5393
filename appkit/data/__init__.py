"""Tables in: schema, validation, encoders, splits and data sets."""

from appkit.data.columns import Column
from appkit.data.dataset import Dataset, GeneratedDataset
from appkit.data.schema import Schema
from appkit.data.sources import Source, download, find_file
from appkit.data.splits import split_by_group, split_by_time, split_stratified, validation_folds
from appkit.data.validation import (
    as_frame,
    check_groups,
    check_labels,
    check_sample_weight,
    check_unique_ids,
    check_values,
    warn_of_uninformative_columns,
)

__all__ = [
    "Column",
    "Schema",
    "as_frame",
    "check_labels",
    "check_values",
    "check_sample_weight",
    "check_groups",
    "check_unique_ids",
    "warn_of_uninformative_columns",
    "split_by_time",
    "split_by_group",
    "split_stratified",
    "validation_folds",
    "Dataset",
    "GeneratedDataset",
    "Source",
    "find_file",
    "download",
]
