import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from appkit.data.image_files import decode_image, read_header
from appkit.data.image_resizing import Frame
from appkit.exceptions import SchemaError

GRADIENT = np.arange(48, dtype=np.uint8).reshape(6, 8) * 5
SIXTEEN = np.arange(48, dtype=np.uint16).reshape(6, 8) * 1_365


def saved(folder: Path, image: Image.Image, name: str, **options) -> str:
    path = folder / name
    image.save(path, **options)
    return str(path)


def png(*, bits: int, colour: int, rows: bytes, width: int, height: int) -> bytes:
    """Return a PNG of a kind that Pillow reads and does not write."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.bmp", "a.gif", "a.pgm", "a.jp2", "a.tga"])
def test_grey_of_8_bits_is_read_as_it_is(tmp_path, name):
    pixels = decode_image(saved(tmp_path, Image.fromarray(GRADIENT), name))
    assert pixels.dtype == np.uint8
    # a GIF always has a palette, and so three channels
    np.testing.assert_array_equal(pixels, np.broadcast_to(GRADIENT[..., None], pixels.shape))


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.jp2"])
def test_16_bits_are_kept(tmp_path, name):
    path = saved(tmp_path, Image.fromarray(SIXTEEN), name)
    pixels = decode_image(path)
    assert pixels.dtype == read_header(path).dtype == np.uint16
    np.testing.assert_array_equal(pixels[..., 0], SIXTEEN)


def test_16_bits_with_the_large_end_first_are_kept(tmp_path):
    path = tmp_path / "a.png"
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in SIXTEEN)
    path.write_bytes(png(bits=16, colour=0, rows=rows, width=8, height=6))
    np.testing.assert_array_equal(decode_image(str(path))[..., 0], SIXTEEN)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_tiff_that_stores_white_as_0_is_turned_round(tmp_path, dtype):
    tifffile = pytest.importorskip("tifffile")
    stored = np.full((4, 4), 3, dtype=dtype)
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="miniswhite")
    assert (decode_image(str(tmp_path / "a.tif")) == np.iinfo(dtype).max - 3).all()


def test_floats_of_a_tiff_are_kept(tmp_path):
    path = saved(tmp_path, Image.fromarray(GRADIENT / np.float32(7)), "a.tif")
    pixels = decode_image(path)
    assert pixels.dtype == read_header(path).dtype == np.float32
    np.testing.assert_array_equal(pixels[..., 0], GRADIENT / np.float32(7))


def test_floats_must_be_finite(tmp_path):
    values = GRADIENT.astype(np.float32)
    values[0, :2] = np.nan, np.inf
    with pytest.raises(SchemaError, match=r"a\.tif' must hold finite values, got NaN or infinity in 2 pixels"):
        decode_image(saved(tmp_path, Image.fromarray(values), "a.tif"))


def test_32_bits_within_16_are_read(tmp_path):
    values = SIXTEEN.astype(np.int32)
    np.testing.assert_array_equal(decode_image(saved(tmp_path, Image.fromarray(values), "a.tif"))[..., 0], SIXTEEN)


@pytest.mark.parametrize("shift", [-1, 70_000])
def test_more_than_16_bits_are_refused(tmp_path, shift):
    path = saved(tmp_path, Image.fromarray(SIXTEEN.astype(np.int32) + shift), "a.tif")
    with pytest.raises(SchemaError, match="must hold values from 0 to 65535"):
        decode_image(path)


@pytest.mark.parametrize(("colour", "n_channels"), [(2, 3), (4, 2), (6, 4)])
def test_16_bits_in_several_channels_are_refused_since_half_would_be_lost(tmp_path, colour, n_channels):
    rows = (b"\0" + bytes(8 * n_channels * 2)) * 6
    (tmp_path / "a.png").write_bytes(png(bits=16, colour=colour, rows=rows, width=8, height=6))
    with pytest.raises(SchemaError, match="16 bits in several channels, of which only 8 would be read"):
        decode_image(str(tmp_path / "a.png"))


def test_1_bit_is_black_and_white(tmp_path):
    pixels = decode_image(saved(tmp_path, Image.fromarray(GRADIENT > 100), "a.png"))
    np.testing.assert_array_equal(pixels[..., 0], np.where(GRADIENT > 100, 255, 0))


def test_palettes_are_resolved(tmp_path):
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 200, 100, 50])
    image.putpixel((1, 0), 1)
    pixels = decode_image(saved(tmp_path, image, "a.png"))
    np.testing.assert_array_equal(pixels, [[[10, 20, 30], [200, 100, 50]]])


def test_a_transparent_palette_entry_is_black(tmp_path):
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 200, 100, 50])
    image.putpixel((1, 0), 1)
    pixels = decode_image(saved(tmp_path, image, "a.png", transparency=1))
    np.testing.assert_array_equal(pixels, [[[10, 20, 30], [0, 0, 0]]])


def test_alpha_is_laid_over_black(tmp_path):
    image = Image.new("RGBA", (1, 1), (200, 100, 50, 51))  # a fifth
    np.testing.assert_array_equal(decode_image(saved(tmp_path, image, "a.png")), [[[40, 20, 10]]])


def test_grey_with_alpha_stays_grey(tmp_path):
    path = saved(tmp_path, Image.new("LA", (1, 1), (200, 51)), "a.png")
    assert read_header(path).n_channels == 1
    np.testing.assert_array_equal(decode_image(path), [[[40]]])


def test_a_transparent_grey_is_black(tmp_path):
    pixels = decode_image(saved(tmp_path, Image.fromarray(GRADIENT), "a.png", transparency=235))
    assert pixels[-1, -1, 0] == 0
    assert pixels[-1, -2, 0] == 230


def test_print_colours_become_red_green_and_blue(tmp_path):
    pixels = decode_image(saved(tmp_path, Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "a.jpg", quality=100))
    assert np.abs(pixels.astype(int) - [255, 0, 0]).max() <= 2


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied(tmp_path, name, orientation):
    exif = Image.Exif()
    exif[274] = orientation
    picture = np.kron(np.array([[0, 80, 160], [40, 120, 240]], dtype=np.uint8), np.ones((8, 8), dtype=np.uint8))
    path = saved(tmp_path, Image.fromarray(picture), name, exif=exif)
    turned = {
        1: picture, 2: picture[:, ::-1], 3: picture[::-1, ::-1], 4: picture[::-1], 5: picture.T,
        6: np.rot90(picture, -1), 7: picture[::-1, ::-1].T, 8: np.rot90(picture),
    }[orientation]  # fmt: skip
    pixels = decode_image(path)
    header = read_header(path)
    assert (header.height, header.width) == pixels.shape[:2] == turned.shape
    assert np.abs(pixels[..., 0].astype(int) - turned).max() <= 8  # what JPEG loses


@pytest.mark.parametrize("orientation", [1, 6])
def test_a_large_jpeg_is_decoded_in_part_and_looks_the_same(tmp_path, orientation):
    exif = Image.Exif()
    exif[274] = orientation
    small = Image.fromarray(np.random.default_rng(0).integers(0, 256, (20, 30)).astype(np.uint8))
    path = saved(tmp_path, small.resize((960, 640), Image.Resampling.BICUBIC), "a.jpg", exif=exif, quality=95)
    frame = Frame(80, 80, "pad")
    part, whole = decode_image(path, frame=frame), decode_image(path)
    assert max(part.shape) == 240
    difference = np.abs(frame.scaled(part).astype(int) - frame.scaled(whole))
    assert difference.max() <= 3


def test_a_jpeg_hardly_larger_than_needed_is_decoded_whole(tmp_path):
    path = saved(tmp_path, Image.new("L", (300, 300)), "a.jpg")
    assert decode_image(path, frame=Frame(128, 128)).shape == (300, 300, 1)


def test_an_image_is_known_by_its_content_not_its_name(tmp_path):
    path = saved(tmp_path, Image.fromarray(GRADIENT), "a.jpg", format="PNG")
    np.testing.assert_array_equal(decode_image(path)[..., 0], GRADIENT)


@pytest.mark.parametrize("name", ["a.gif", "a.tif", "a.png", "a.webp"])
def test_several_frames_are_refused(tmp_path, name):
    first, second = Image.fromarray(GRADIENT), Image.fromarray(GRADIENT[::-1].copy())
    path = saved(tmp_path, first, name, save_all=True, append_images=[second])
    with pytest.raises(SchemaError, match=rf"{name}' must hold one picture, got 2 frames or pages"):
        decode_image(path)


def test_the_preview_in_a_cameras_file_is_passed_over(tmp_path):
    first, preview = Image.fromarray(GRADIENT), Image.fromarray(GRADIENT[::2, ::2].copy())
    path = saved(tmp_path, first, "a.jpg", format="MPO", save_all=True, append_images=[preview])
    assert decode_image(path).shape == (6, 8, 1)


@pytest.mark.parametrize("read", [read_header, decode_image])
@pytest.mark.parametrize(
    ("name", "content", "match"),
    [
        ("a.png", b"", r"a\.png' is empty \(0 bytes\)"),
        ("notes.png", b"not an image at all", r"notes\.png' is no image that can be read"),
        ("a.eps", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n", "is no image that can be read"),
    ],
)
def test_what_is_no_image_is_named(tmp_path, read, name, content, match):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SchemaError, match=match):
        read(str(tmp_path / name))


@pytest.mark.parametrize("read", [read_header, decode_image])
def test_an_absent_file_and_a_folder_are_named(tmp_path, read):
    with pytest.raises(SchemaError, match=r"gone\.png' does not exist"):
        read(str(tmp_path / "gone.png"))
    with pytest.raises(SchemaError, match="must be a file, got a folder"):
        read(str(tmp_path))


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif", "a.gif", "a.bmp", "a.webp", "a.jp2"])
def test_a_file_cut_off_is_refused(tmp_path, name):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64)).astype(np.uint8)
    path = Path(saved(tmp_path, Image.fromarray(noise), name))
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    with pytest.raises(SchemaError, match=rf"{name}' is (damaged|no image)"):
        decode_image(str(path))


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's own, about tags it passes over
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")  # where the size is what is damaged
@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif", "a.gif", "a.webp", "a.jp2"])
def test_damaged_bytes_give_pixels_or_one_clear_error(tmp_path, name):
    rng = np.random.default_rng(0)
    noise = Image.fromarray(rng.integers(0, 256, (16, 16)).astype(np.uint8))
    intact = np.frombuffer(Path(saved(tmp_path, noise, name)).read_bytes(), dtype=np.uint8)
    complaints = []
    for _ in range(150):
        damaged = intact.copy()
        damaged[rng.integers(len(intact), size=3)] = rng.integers(0, 256, 3)
        (tmp_path / name).write_bytes(damaged.tobytes())
        complaints += complaints_about(tmp_path / name)
    assert complaints
    assert all(name in complaint for complaint in complaints)


def complaints_about(path: Path) -> tuple[str, ...]:
    """Return what the one error says that decoding may raise."""
    try:
        decode_image(str(path))
    except SchemaError as err:
        return err.problems
    return ()


def test_a_picture_that_claims_a_billion_pixels_is_refused(tmp_path):
    (tmp_path / "a.png").write_bytes(png(bits=8, colour=0, rows=b"", width=40_000, height=40_000))
    with pytest.raises(SchemaError, match="more pixels than Pillow opens"):
        decode_image(str(tmp_path / "a.png"))


@pytest.fixture
def dicom():
    """Return the path of a test file that pydicom brings along, by its name."""
    return pytest.importorskip("pydicom.data").get_testdata_file


@pytest.mark.parametrize(
    ("name", "shape", "dtype"),
    [
        ("CT_small.dcm", (128, 128, 1), np.uint16),
        ("SC_rgb_jpeg_dcmtk.dcm", (100, 100, 3), np.uint8),
        ("examples_palette.dcm", (350, 800, 3), np.uint16),
        ("MR_small.dcm", (64, 64, 1), np.uint16),
    ],
)
def test_dicom_is_decoded_as_its_header_promises(dicom, name, shape, dtype):
    path = dicom(name)
    header, pixels = read_header(path), decode_image(path)
    assert (header.height, header.width, header.n_channels) == pixels.shape == shape
    assert header.dtype == pixels.dtype == dtype


def test_dicom_is_known_by_its_content(dicom, tmp_path):
    original = Path(dicom("CT_small.dcm"))
    (tmp_path / "scan.png").write_bytes(original.read_bytes())
    np.testing.assert_array_equal(decode_image(str(tmp_path / "scan.png")), decode_image(str(original)))


@pytest.mark.parametrize("read", [read_header, decode_image])
def test_dicom_without_a_picture_is_named(dicom, read):
    with pytest.raises(SchemaError, match=r"rtplan\.dcm' holds no picture"):
        read(dicom("rtplan.dcm"))


def test_dicom_of_several_frames_is_refused(dicom):
    with pytest.raises(SchemaError, match="must hold one frame, got"):
        decode_image(dicom("rtdose.dcm"))
