"""DICOM files are read as the standard says, or refused with their name and a remedy."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from appkit.data.dicom import is_dicom, open_dicom, read_dicom
from appkit.exceptions import MissingDependencyError, SchemaError

pydicom = pytest.importorskip("pydicom")
from pydicom.data import data_manager, get_testdata_file  # noqa: E402  # after the skip
from pydicom.dataset import Dataset, FileMetaDataset  # noqa: E402
from pydicom.pixels import apply_modality_lut, apply_voi_lut, pixel_array  # noqa: E402
from pydicom.sequence import Sequence  # noqa: E402
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, JPEGLSLossless  # noqa: E402

SHIPPED = sorted(path for path in Path(data_manager.DATA_ROOT).rglob("*.dcm"))
STORED = np.arange(12, dtype=np.uint16).reshape(3, 4) * 300


def saved(path: Path, pixels: np.ndarray | None = STORED, *, syntax: UID = ExplicitVRLittleEndian, **tags: Any) -> Path:
    """Write a small DICOM file: 12 bits, unsigned, MONOCHROME2, unless told otherwise."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = UID("1.2.840.10008.5.1.4.1.1.7")
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = UID("1.2.3")
    if pixels is not None:
        dataset.Rows, dataset.Columns = pixels.shape[:2]
        dataset.SamplesPerPixel = 1
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 12, 11, 0
        dataset.PhotometricInterpretation = "MONOCHROME2"
    for tag, value in tags.items():
        setattr(dataset, tag, value)
    if pixels is not None:
        order = pixels.dtype.newbyteorder(">" if syntax == ExplicitVRBigEndian else "<")
        dataset.PixelData = pixels.astype(order).tobytes()
        dataset["PixelData"].VR = "OB" if pixels.dtype.itemsize == 1 else "OW"
    dataset.save_as(path, enforce_file_format=True)
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "scan.dcm"


def spread(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Return values over the whole of 16 bits."""
    return np.rint(np.clip((values - low) / (high - low), 0, 1) * 65_535).astype(np.uint16)


def read_or_refused(path: Path) -> np.ndarray | str:
    try:
        return read_dicom(path)
    except SchemaError as err:
        return str(err)


@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_file_that_comes_with_pydicom_is_read_or_refused_by_name(path):
    picture = read_or_refused(path)
    if isinstance(picture, str):
        assert path.name in picture
        return
    assert picture.dtype in (np.uint8, np.uint16)
    assert picture.ndim == 2 or picture.shape[2] == 3
    assert picture.max() > picture.min()


@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
def test_fifty_of_the_files_that_come_with_pydicom_need_no_further_decoder():
    n_read = sum(not isinstance(read_or_refused(path), str) for path in SHIPPED)
    assert len(SHIPPED) > 100
    assert n_read >= 50


@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
def test_one_picture_written_in_many_ways_is_read_as_one():
    ways = ["MR_small", "MR_small_RLE", "MR_small_bigendian", "MR_small_implicit", "MR_small_jp2klossless"]
    first, *others = [read_dicom(get_testdata_file(f"{way}.dcm", download=False)) for way in ways]
    for other in others:
        np.testing.assert_array_equal(other, first)


def test_without_a_window_the_stored_bits_are_spread(file):
    np.testing.assert_array_equal(read_dicom(saved(file)), spread(STORED, 0, 4_095))


def test_signed_pixels_are_spread_over_the_signed_range(file):
    pixels = (STORED.astype(np.int16) - 1_800).astype(np.int16)
    picture = read_dicom(saved(file, pixels, PixelRepresentation=1))
    np.testing.assert_array_equal(picture, spread(pixels, -2_048, 2_047))


def test_sixteen_bits_are_kept_apart(file):
    pixels = np.arange(2**16, dtype=np.uint16).reshape(256, 256)
    picture = read_dicom(saved(file, pixels, BitsStored=16, HighBit=15))
    np.testing.assert_array_equal(picture, pixels)


def test_big_end_first_is_read_alike(file):
    np.testing.assert_array_equal(read_dicom(saved(file, syntax=ExplicitVRBigEndian)), spread(STORED, 0, 4_095))


def test_monochrome1_is_inverted_after_its_window(file):
    window = {"WindowCenter": 1_000, "WindowWidth": 1_200}
    bright = read_dicom(saved(file, **window))
    dark = read_dicom(saved(file, PhotometricInterpretation="MONOCHROME1", **window))
    np.testing.assert_array_equal(dark, 65_535 - bright)
    assert dark[0, 0] == 65_535


@pytest.mark.parametrize("curve", ["LINEAR", "LINEAR_EXACT", "SIGMOID", None])
@pytest.mark.parametrize("signed", [False, True])
def test_rescaling_and_window_agree_with_pydicom(file, curve, signed):
    pixels = (STORED.astype(np.int16) - 1_500 * signed).astype(np.int16 if signed else np.uint16)
    tags: dict[str, Any] = {
        "RescaleSlope": 2,
        "RescaleIntercept": -1024,
        "WindowCenter": [40, 7],
        "WindowWidth": [900, 9],
    }
    saved(file, pixels, PixelRepresentation=int(signed), **tags | ({"VOILUTFunction": curve} if curve else {}))
    dataset = pydicom.dcmread(file)
    shown = apply_voi_lut(apply_modality_lut(pixel_array(dataset), dataset), dataset)
    ends = [2 * stored - 1024 for stored in ((-2_048, 2_047) if signed else (0, 4_095))]
    np.testing.assert_allclose(read_dicom(file).astype(int), spread(shown, *ends).astype(int), atol=1)


def test_a_given_window_is_of_rescaled_values_and_goes_before_the_files(file):
    saved(file, RescaleSlope=1, RescaleIntercept=-1_000, WindowCenter=0, WindowWidth=10)
    picture = read_dicom(file, window=(500, 1_001))
    np.testing.assert_array_equal(picture, spread(STORED - 1_000.0, -0.5, 999.5))


def test_a_window_of_one_value_is_a_threshold(file):
    picture = read_dicom(saved(file, WindowCenter=1_500, WindowWidth=1))
    np.testing.assert_array_equal(picture, np.where(STORED > 1_499.5, 65_535, 0))


@pytest.mark.parametrize("width", [0, "", -5])
def test_a_window_without_a_width_counts_as_none(file, width):
    picture = read_dicom(saved(file, WindowCenter=1_500, WindowWidth=width))
    np.testing.assert_array_equal(picture, spread(STORED, 0, 4_095))


@pytest.mark.parametrize("written", [list, bytes])
@pytest.mark.parametrize("tag", ["VOILUTSequence", "ModalityLUTSequence"])
def test_a_lookup_table_replaces_values_and_its_ends_those_beyond(file, tag, written):
    numbers = np.array([0, 100, 700, 1_023], dtype=np.uint16)
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [4, 900, 10])
    item.add_new(
        "LUTData", "US" if written is list else "OW", numbers.tolist() if written is list else numbers.tobytes()
    )
    saved(file, WindowCenter=5, WindowWidth=2, **{tag: Sequence([item])})
    dataset = pydicom.dcmread(file)
    if tag == "ModalityLUTSequence":
        del dataset.WindowCenter, dataset.WindowWidth
        dataset.save_as(file)
    by_hand = numbers[np.clip(STORED.astype(int) - 900, 0, 3)]
    np.testing.assert_array_equal(read_dicom(file), spread(by_hand, 0, 1_023))


def test_a_table_of_many_entries_and_eight_bits_each_is_looked_up_whole(file):
    curve = np.rint(255 * np.sqrt(np.arange(4_096) / 4_095)).astype(np.uint8)
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [4_096, 0, 8])
    item.add_new("LUTData", "OW", curve.tobytes())
    np.testing.assert_array_equal(
        read_dicom(saved(file, VOILUTSequence=Sequence([item]))), curve[STORED] * np.uint16(257)
    )


def test_an_enhanced_object_of_one_frame_has_its_window_in_its_groups(file):
    rescale, view, shared = Dataset(), Dataset(), Dataset()
    rescale.RescaleSlope, rescale.RescaleIntercept = 1, -1_000
    view.WindowCenter, view.WindowWidth = 500, 1_001
    shared.PixelValueTransformationSequence, shared.FrameVOILUTSequence = Sequence([rescale]), Sequence([view])
    saved(file, SharedFunctionalGroupsSequence=Sequence([shared]), NumberOfFrames=1)
    np.testing.assert_array_equal(read_dicom(file), spread(STORED - 1_000.0, -0.5, 999.5))


def test_values_beyond_sixteen_bits_need_a_window(file):
    pixels = np.arange(12, dtype=np.uint32).reshape(3, 4) * 1_000_000
    saved(file, pixels, BitsAllocated=32, BitsStored=32, HighBit=31)
    with pytest.raises(SchemaError, match=r"scan.dcm' has values beyond 16 bits and no window. Say what to show"):
        read_dicom(file)
    np.testing.assert_array_equal(read_dicom(file, window=(5.5e6 + 0.5, 11e6 + 1)), spread(pixels, 0, 11e6))


def test_colour_is_red_green_and_blue(file):
    pixels = np.random.default_rng(0).integers(0, 256, (4, 6, 3)).astype(np.uint8)
    eight = {"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7, "SamplesPerPixel": 3, "PlanarConfiguration": 0}
    np.testing.assert_array_equal(read_dicom(saved(file, pixels, PhotometricInterpretation="RGB", **eight)), pixels)
    ybr = read_dicom(saved(file, pixels, PhotometricInterpretation="YBR_FULL", **eight)).astype(float)
    luma, blue, red = np.moveaxis(pixels.astype(float), -1, 0)  # ITU-R BT.601, PS3.3 C.7.6.3.1.2
    greens = luma - 0.344136 * (blue - 128) - 0.714136 * (red - 128)
    by_hand = np.stack([luma + 1.402 * (red - 128), greens, luma + 1.772 * (blue - 128)], axis=-1)
    np.testing.assert_allclose(ybr, np.clip(by_hand, 0, 255), atol=1)


def test_colour_of_more_than_eight_bits_stays_in_sixteen(file):
    pixels = np.random.default_rng(0).integers(0, 4_096, (4, 6, 3)).astype(np.uint16)
    picture = read_dicom(saved(file, pixels, PhotometricInterpretation="RGB", SamplesPerPixel=3, PlanarConfiguration=0))
    np.testing.assert_array_equal(picture, spread(pixels, 0, 4_095))


def test_a_palette_becomes_colour(file):
    palette = np.random.default_rng(0).integers(0, 256, (3, 256)).astype(np.uint8)
    pixels = np.arange(12, dtype=np.uint8).reshape(3, 4)
    tags: dict[str, Any] = {
        "BitsAllocated": 8,
        "BitsStored": 8,
        "HighBit": 7,
        "PhotometricInterpretation": "PALETTE COLOR",
    }
    for colour, entries in zip(("Red", "Green", "Blue"), palette, strict=True):
        tags[f"{colour}PaletteColorLookupTableDescriptor"] = [256, 0, 8]
        tags[f"{colour}PaletteColorLookupTableData"] = entries.tobytes()
    picture = read_dicom(saved(file, pixels, **tags))
    assert picture.dtype == np.uint8
    np.testing.assert_array_equal(picture, palette.T[pixels])


def test_several_frames_are_refused_with_a_way_to_choose_one(file):
    saved(file, np.zeros((3, 4), dtype=np.uint16), NumberOfFrames=5)
    with pytest.raises(SchemaError, match=r"scan.dcm' must hold one frame, got 5. Choose one, as in pydicom.pixels"):
        read_dicom(file)


def test_a_file_without_a_picture_says_what_it_is(file):
    with pytest.raises(
        SchemaError, match=r"scan.dcm' holds no picture \(Secondary Capture Image Storage\). Leave it out"
    ):
        read_dicom(saved(file, None))


def test_a_compression_nobody_here_reads_is_named_with_a_decoder(file, monkeypatch):
    dataset = pydicom.dcmread(saved(file))
    dataset.PixelData = pydicom.encaps.encapsulate([b"\xff\xd8\xff\xd9"])
    dataset["PixelData"].VR, dataset.file_meta.TransferSyntaxUID = "OB", JPEGLSLossless
    dataset.save_as(file)
    monkeypatch.setattr("pydicom.pixels.decoders.base.Decoder.is_available", False)
    with pytest.raises(
        SchemaError, match=r"compressed as JPEG-LS Lossless .* no installed decoder.*pip install pyjpegls"
    ):
        read_dicom(file)


def test_pixels_that_were_cut_off_are_refused(file):
    content = saved(file).read_bytes()
    file.write_bytes(content[:-10])
    with pytest.raises(
        SchemaError, match=r"scan.dcm' \(Explicit VR Little Endian\) cannot be decoded: .* It is damaged"
    ):
        read_dicom(file)


def test_a_photometric_interpretation_nobody_knows_is_refused(file):
    saved(file, PhotometricInterpretation="MONOCHROME3")
    with pytest.raises(SchemaError, match=r"scan.dcm'.*MONOCHROME3"):
        read_dicom(file)


def test_a_file_without_preamble_is_read(file):
    content = saved(file).read_bytes()
    meta = pydicom.dcmread(file).file_meta
    file.write_bytes(content[132 + 12 + meta.FileMetaInformationGroupLength :])
    assert pydicom.dcmread(file, force=True).preamble is None
    np.testing.assert_array_equal(read_dicom(file), spread(STORED, 0, 4_095))


@pytest.mark.parametrize("content", [b"", b"not an image", b"\x89PNG\r\n\x1a\n" + bytes(200)])
def test_a_file_that_is_no_dicom_is_refused(file, content):
    file.write_bytes(content)
    with pytest.raises(SchemaError, match=r"scan.dcm' is no DICOM file"):
        read_dicom(file)


def test_absent_files_and_folders_are_refused(tmp_path):
    with pytest.raises(SchemaError, match=r"nowhere.dcm' does not exist"):
        read_dicom(tmp_path / "nowhere.dcm")
    with pytest.raises(SchemaError, match="must be a file, got a folder"):
        read_dicom(tmp_path)


@pytest.mark.parametrize("window", [(40, 0), (40, -1), (np.nan, 4), (1, 2, 3)])
def test_a_window_that_shows_nothing_is_refused(file, window):
    with pytest.raises(ValueError, match=r"window must be \(centre, width\) with a positive width"):
        read_dicom(saved(file), window=window)


def test_dicom_is_told_by_its_mark_or_its_ending(tmp_path):
    marked = saved(tmp_path / "scan")
    unmarked = tmp_path / "other.DCM"
    unmarked.write_bytes(b"short")
    text = tmp_path / "notes.txt"
    text.write_bytes(b"x" * 200)
    assert [is_dicom(path) for path in (marked, unmarked, text)] == [True, True, False]


def test_a_header_is_opened_without_its_pixels(file):
    header = open_dicom(saved(file, PatientID="p1"), only=["PatientID"])
    assert header.PatientID == "p1"
    assert "PixelData" not in header


def test_without_pydicom_the_error_says_how_to_install_it(file, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pydicom", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'industry-appkit\[medical\]'"):
        read_dicom(file)
