"""Tables and series in: schema, validation, encoders, windows, splits and data sets."""

from appkit.data.columns import Column
from appkit.data.conditions import OperatingConditions
from appkit.data.dataset import Dataset, GeneratedDataset
from appkit.data.dicom import read_dicom
from appkit.data.dicom_headers import dicom_table
from appkit.data.duplicates import check_images_apart, duplicate_groups
from appkit.data.ids import Ids
from appkit.data.image_dataset import ImageDataset
from appkit.data.image_encoder import ImageEncoder
from appkit.data.image_export import write_image_folder
from appkit.data.image_folder import read_image_folder
from appkit.data.images import Images, ImageShape, read_images
from appkit.data.interaction_dataset import InteractionDataset
from appkit.data.interaction_leaks import Leak, check_no_leaks, find_leaks
from appkit.data.interaction_splits import InteractionSplit, split_interactions
from appkit.data.interactions import Interactions, read_interactions
from appkit.data.schema import Schema
from appkit.data.series import Series, read_series
from appkit.data.series_encoder import SeriesEncoder
from appkit.data.series_layout import SeriesLayout
from appkit.data.sources import Source, download, find_file
from appkit.data.splits import (
    check_units_apart,
    split_by_group,
    split_by_time,
    split_by_unit_time,
    split_stratified,
    validation_folds,
)
from appkit.data.validation import (
    as_frame,
    check_groups,
    check_labels,
    check_sample_weight,
    check_unique_ids,
    check_values,
    warn_of_uninformative_columns,
)
from appkit.data.windows import Windows, windows_of

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
    "split_by_unit_time",
    "check_units_apart",
    "split_stratified",
    "validation_folds",
    "Series",
    "read_series",
    "Windows",
    "windows_of",
    "OperatingConditions",
    "SeriesEncoder",
    "SeriesLayout",
    "Ids",
    "Interactions",
    "read_interactions",
    "InteractionDataset",
    "InteractionSplit",
    "split_interactions",
    "Leak",
    "find_leaks",
    "check_no_leaks",
    "Images",
    "ImageShape",
    "read_images",
    "read_dicom",
    "dicom_table",
    "read_image_folder",
    "write_image_folder",
    "duplicate_groups",
    "check_images_apart",
    "ImageEncoder",
    "Dataset",
    "GeneratedDataset",
    "ImageDataset",
    "Source",
    "find_file",
    "download",
]
