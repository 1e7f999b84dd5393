"""Small pictures in a report: facts, drawing, and pixels that come back."""

import base64
import io
import json
import re
from dataclasses import replace

import jsonschema
import numpy as np
import pytest
from PIL import Image

from appkit.reporting import Report, report_schema
from appkit.reporting.content.png import colour_png_text, encode_png, png_text
from appkit.reporting.facts import Measure, Thumbnail, ThumbnailGallery, Verdict
from tests.reporting.test_style import CSS

GREY = png_text(np.linspace(0, 1, 12).reshape(3, 4))


def gallery(n: int = 2) -> ThumbnailGallery:
    missed = Thumbnail("image 3", GREY, 4, 3, "lesion", Measure(0.12, unit="%", decimals=0), Verdict("fail", "missed"))
    plain = Thumbnail("image <4>", GREY, 4, 3, "clear", Measure(0.5, unit="%", decimals=0))
    return ThumbnailGallery(
        key="errors-shown",
        finding="One lesion missed",
        caption="Two of 90.",
        thumbnails=(missed, plain, *(plain,) * (n - 2)),
        output_label="Probability of a lesion",
    )


@pytest.fixture(scope="module")
def gallery_report(sample) -> Report:
    report = sample.small_report()
    return replace(report, sections=(replace(report.sections[0], blocks=(gallery(),)),))


def test_a_gallery_survives_json_and_fits_the_schema(gallery_report):
    text = gallery_report.to_json()
    assert Report.from_json(text) == gallery_report
    jsonschema.validate(json.loads(text), report_schema())


def test_each_picture_says_in_words_what_it_is(gallery_report):
    page = gallery_report.to_html()
    texts = re.findall(r'<img [^>]*alt="([^"]+)"', page)
    assert texts == ["image 3: label lesion, model 12\u202f%, missed", "image &lt;4&gt;: label clear, model 50\u202f%"]


def test_captions_stand_in_the_table_too(gallery_report):
    page = gallery_report.to_html()
    twin = page[page.index("Table behind this figure") :]
    assert "Probability of a lesion" in twin
    assert twin.count("<tr") == 3
    assert "none" in twin


def test_a_picture_is_embedded_and_loads_nothing(gallery_report):
    page = gallery_report.to_html()
    assert page.count('src="data:image/png;base64,') == 2
    assert "://" not in page


def test_pictures_reflow_on_a_phone():
    phone = CSS[CSS.index("(max-width:700px)") : CSS.rindex("@media print")]
    assert ".thumbs{grid-template-columns:repeat(auto-fill" in phone


@pytest.mark.parametrize("n", [0, 25])
def test_a_gallery_holds_one_to_twenty_four_pictures(n):
    with pytest.raises(ValueError, match=f"thumbnails must have 1 to 24 entries, got {n}"):
        replace(gallery(), thumbnails=gallery().thumbnails[:1] * n)


def test_a_picture_too_large_is_refused():
    with pytest.raises(ValueError, match="'image 3' must have at most 128 pixels a side, got 300 x 3"):
        replace(gallery().thumbnails[0], width=300)


def test_a_coloured_png_reads_back_as_it_was_written():
    pixels = np.random.default_rng(0).integers(0, 256, size=(5, 7, 3)).astype(np.uint8)
    assert (np.asarray(Image.open(io.BytesIO(encode_png(pixels)))) == pixels).all()


def test_colours_are_shrunk_channel_by_channel():
    image = np.zeros((64, 64, 3))
    image[:, ::2, 1] = 1.0
    shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(colour_png_text(image, (16, 16))))))
    assert shown.shape == (16, 16, 3)
    assert np.unique(shown[..., 1]).tolist() == [128]
    assert not shown[..., 0].any()


def test_a_full_gallery_of_coloured_noise_leaves_room_on_a_page_of_two_megabytes(gallery_report):
    noise = np.random.default_rng(0).random((128, 128, 3))
    picture = replace(gallery().thumbnails[0], image=colour_png_text(noise, (128, 128)), width=128, height=128)
    full = replace(gallery(), thumbnails=(picture,) * 24)
    page = replace(gallery_report, sections=(replace(gallery_report.sections[0], blocks=(full,)),)).to_html()
    assert len(page) < 1_800_000


def test_a_png_of_four_channels_is_refused():
    with pytest.raises(ValueError, match=r"uint8 \(height, width\) or \(height, width, 3\)"):
        encode_png(np.zeros((2, 2, 4), dtype=np.uint8))
