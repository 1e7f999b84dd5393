"""Read DICOM files as a radiologist would see them: rescaled, windowed, bright where dense, 16 bits kept."""

import math
import struct
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from appkit.data.dicom_levels import LookupTable, Window, curve_of
from appkit.exceptions import MissingDependencyError, SchemaError

__all__ = ["is_dicom", "open_dicom", "read_dicom"]

BRIGHTEST = 65_535
_DAMAGE = (AttributeError, EOFError, IndexError, KeyError, OSError, OverflowError, RuntimeError, TypeError, ValueError)
_UNREADABLE = (*_DAMAGE, NotImplementedError, struct.error)
_GREY = ("MONOCHROME1", "MONOCHROME2")
_PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")


def read_dicom(path: str | PathLike[str], *, window: tuple[float, float] | None = None) -> np.ndarray:
    """Return the picture in a DICOM file, uint16 (height, width), or with colour (height, width, 3).

    Grey values go the way the standard prescribes [1]_: the modality's lookup table or rescale slope and intercept
    (Hounsfield units for CT), then the first VOI lookup table of the file, else its first window. Where it has neither,
    the whole range of the stored bits is kept. What comes out is spread over 0 to 65,535. MONOCHROME1, where 0 is
    white, is inverted, so that brighter is denser in every file. Enhanced objects are read if they hold one frame.

    Palettes and YBR become red, green and blue: uint8 for up to 8 bits each, else uint16.

    Parameters
    ----------
    path
        The file. One without the preamble of 128 bytes is read too.
    window
        Centre and width to show, in rescaled values, instead of what the file says. Of grey files only.

    Raises
    ------
    SchemaError
        Naming the file: absent, no DICOM, damaged, without a picture, of several frames, compressed in a way no
        installed decoder reads, of a photometric interpretation that is not known, or with values beyond 16 bits and no
        window to bring them there.
    MissingDependencyError
        If pydicom is absent.

    References
    ----------
    .. [1] DICOM PS3.3, C.11.1 (modality LUT), C.11.2 (VOI LUT) and C.7.6.3 (image pixel).

    Examples
    --------
    >>> from pydicom.data import get_testdata_file
    >>> picture = read_dicom(get_testdata_file("CT_small.dcm"), window=(40, 400))
    >>> picture.shape, picture.dtype
    ((128, 128), dtype('uint16'))
    """
    if window is not None and not (len(window) == 2 and np.isfinite(window).all() and window[1] > 0):
        raise ValueError(f"window must be (centre, width) with a positive width, got {window!r}.")
    name = str(path)
    dataset = open_dicom(path)
    _check_holds_one_picture(dataset, name)
    pixels = _decoded(dataset, name)
    try:
        if dataset.get("PhotometricInterpretation") in _GREY:
            return _grey(dataset, pixels, window=window)
        return _colour(dataset, pixels)
    except SchemaError as err:
        raise SchemaError(f"DICOM file {name!r} {err}") from err
    except _UNREADABLE as err:
        raise SchemaError(f"DICOM file {name!r} cannot be shown: {_reason(err)}. Repair its header.") from err


def is_dicom(path: str | PathLike[str]) -> bool:
    """Return whether a file is DICOM: by the mark after its preamble, else by its ending, ``.dcm`` or ``.dicom``."""
    with open(path, "rb") as file:
        is_marked = file.read(132)[128:] == b"DICM"
    return is_marked or Path(path).suffix.lower() in (".dcm", ".dicom")


def open_dicom(path: str | PathLike[str], *, only: list[str] | None = None) -> Any:
    """Return the ``pydicom.Dataset`` of a file: whole, or the named tags of its header.

    Raises
    ------
    SchemaError
        Naming the file: absent, no DICOM, or damaged.
    MissingDependencyError
        If pydicom is absent.
    """
    try:
        import pydicom
    except ImportError as err:
        raise MissingDependencyError("DICOM files need pydicom: pip install 'industry-appkit[medical]'.") from err
    name = str(path)
    wanted = None if only is None else [*only, "SOPClassUID"]
    try:
        dataset = pydicom.dcmread(path, force=True, specific_tags=wanted, stop_before_pixels=only is not None)
    except FileNotFoundError as err:
        raise SchemaError(f"File {name!r} does not exist. Correct the path.") from err
    except IsADirectoryError as err:
        raise SchemaError(f"{name!r} must be a file, got a folder. Give the paths of its images.") from err
    except _UNREADABLE as err:
        raise SchemaError(f"File {name!r} is no DICOM file, or is damaged: {_reason(err)}.") from err
    # whatever bytes there are, something comes out where the preamble need not be there
    if not dataset.preamble and not any(tag in dataset for tag in ("SOPClassUID", "Rows")):
        raise SchemaError(f"File {name!r} is no DICOM file, or is damaged at its start. Leave it out.")
    return dataset


def _check_holds_one_picture(dataset: Any, name: str) -> None:
    if not any(tag in dataset for tag in _PIXELS) or "Rows" not in dataset:
        kind = getattr(dataset.get("SOPClassUID"), "name", None) or "of unknown kind"
        raise SchemaError(f"DICOM file {name!r} holds no picture ({kind}). Leave it out.")
    try:
        n_frames = int(dataset.get("NumberOfFrames") or 1)
    except ValueError as err:
        frames = dataset.get("NumberOfFrames")
        raise SchemaError(f"DICOM file {name!r} must say its number of frames, got {frames!r}. Repair it.") from err
    if n_frames != 1:
        raise SchemaError(
            f"DICOM file {name!r} must hold one frame, got {n_frames}. Choose one, as in "
            "pydicom.pixels.pixel_array(path, index=0), and give the arrays."
        )


def _decoded(dataset: Any, name: str) -> np.ndarray:
    from pydicom.pixels import get_decoder, pixel_array

    syntax = _transfer_syntax(dataset)
    try:
        has_decoder = get_decoder(syntax).is_available
    except NotImplementedError:
        has_decoder = False
    if not has_decoder:
        raise SchemaError(
            f"DICOM file {name!r} is compressed as {syntax.name}, which no installed decoder reads. "
            f"{_decoder_advice(syntax.name)}"
        )
    try:
        return pixel_array(dataset)
    except _UNREADABLE as err:
        raise SchemaError(
            f"DICOM file {name!r} ({syntax.name}) cannot be decoded: {_reason(err)}. It is damaged, or its kind is "
            "beyond the installed decoders: save it uncompressed."
        ) from err


def _transfer_syntax(dataset: Any) -> Any:
    """Return how the file is written; a file without a header of its own says so only by how it could be read."""
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

    if not hasattr(dataset, "file_meta"):
        dataset.file_meta = FileMetaDataset()
    if "TransferSyntaxUID" not in dataset.file_meta:
        is_implicit, is_little = dataset.original_encoding
        explicit = ExplicitVRLittleEndian if is_little else ExplicitVRBigEndian
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if is_implicit else explicit
    return dataset.file_meta.TransferSyntaxUID


def _decoder_advice(syntax: str) -> str:
    """Name a decoder of a permissive licence."""
    if "JPEG-LS" in syntax:
        return "Install one: pip install pyjpegls."
    if "High-Throughput" in syntax:
        return "Install one: pip install pylibjpeg pylibjpeg-openjpeg."
    return "Install one (pip install python-gdcm), or save the file uncompressed, as gdcmconv --raw does."


def _grey(dataset: Any, pixels: np.ndarray, *, window: tuple[float, float] | None) -> np.ndarray:
    """Return a grey picture over the whole of 16 bits, brighter where denser."""
    if pixels.ndim != 2:
        raise SchemaError(f"must hold one grey value per pixel, got an array of shape {pixels.shape}. Repair it.")
    if not np.isfinite(pixels).all():
        raise SchemaError("must hold finite values, got NaN or infinity. Leave it out, or clean it.")
    values, low, high = _rescaled(dataset, pixels)
    view = _functional_group(dataset, "FrameVOILUTSequence")
    chosen = Window.of_file(view) if window is None else Window(*window, curve_of(view))
    if window is None and view.get("VOILUTSequence"):
        shown = LookupTable.of_file(view.VOILUTSequence[0], is_little=dataset.original_encoding[1]).shown(values)
    elif chosen is not None:
        shown = chosen.shown(values)
    else:
        shown = (values - low) / _checked_range(low, high)
    if dataset.PhotometricInterpretation == "MONOCHROME1":
        shown = 1 - shown
    return np.rint(np.clip(shown, 0, 1) * BRIGHTEST).astype(np.uint16)


def _rescaled(dataset: Any, pixels: np.ndarray) -> tuple[np.ndarray, float, float]:
    """Return the modality's values, float64, and the least and greatest that could be stored."""
    if dataset.get("ModalityLUTSequence"):
        table = LookupTable.of_file(dataset.ModalityLUTSequence[0], is_little=dataset.original_encoding[1])
        return table.values_at(pixels), 0.0, table.top
    modality = _functional_group(dataset, "PixelValueTransformationSequence")
    slope = float(modality.get("RescaleSlope") or 1)
    intercept = float(modality.get("RescaleIntercept") or 0)
    ends = [slope * stored + intercept for stored in _stored_range(dataset, pixels)]
    return pixels.astype(np.float64) * slope + intercept, min(ends), max(ends)


def _stored_range(dataset: Any, pixels: np.ndarray) -> tuple[float, float]:
    """Return the least and greatest number that the stored bits can hold; infinite where 16 bits cannot keep them."""
    n_bits = int(dataset.get("BitsStored") or 8 * pixels.dtype.itemsize)
    if pixels.dtype.kind == "f" or n_bits > 16:
        return -math.inf, math.inf
    if dataset.get("PixelRepresentation") == 1:
        return -(2.0 ** (n_bits - 1)), 2.0 ** (n_bits - 1) - 1
    return 0.0, 2.0**n_bits - 1


def _checked_range(low: float, high: float) -> float:
    if math.isinf(high - low):
        raise SchemaError(
            "has values beyond 16 bits and no window. Say what to show, read_dicom(path, window=(centre, width)), and "
            "give the arrays."
        )
    return high - low


def _functional_group(dataset: Any, name: str) -> Any:
    """Return what holds a macro's attributes: an enhanced object's functional group, else the data set itself."""
    for groups in ("PerFrameFunctionalGroupsSequence", "SharedFunctionalGroupsSequence"):
        if dataset.get(groups) and dataset[groups].value[0].get(name):
            return dataset[groups].value[0][name].value[0]
    return dataset


def _colour(dataset: Any, pixels: np.ndarray) -> np.ndarray:
    """Return red, green and blue: uint8, or uint16 where there are more bits."""
    photometric, n_bits = dataset.get("PhotometricInterpretation"), int(dataset.BitsStored)
    if photometric == "PALETTE COLOR":
        from pydicom.pixels import apply_color_lut

        n_bits = int(dataset.RedPaletteColorLookupTableDescriptor[2])
        pixels = apply_color_lut(pixels, dataset)[..., :3]
    elif photometric != "RGB" and not str(photometric).startswith("YBR_"):
        raise SchemaError(f"is {photometric}, which cannot be shown. Save it as MONOCHROME2 or RGB.")
    if pixels.ndim != 3 or pixels.shape[2] != 3:
        raise SchemaError(f"must hold red, green and blue per pixel, got an array of shape {pixels.shape}. Repair it.")
    top = max(2**n_bits - 1, int(pixels.max()))
    if top <= 255:
        return pixels.astype(np.uint8)
    return np.rint(pixels * (BRIGHTEST / top)).astype(np.uint16)


def _reason(err: BaseException) -> str:
    return " ".join(str(err).split()).rstrip(". ") or type(err).__name__
