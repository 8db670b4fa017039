"""Images: kept byte for byte, measured without being decoded, never fetched."""

from __future__ import annotations

import base64
import io
import re
import resource
import subprocess
import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from corpus import png
from hypothesis import given, settings
from hypothesis import strategies as st
from payloads import back, check_shown, kept, stored, strict
from PIL import Image as PILImage

from nb_artifacts.errors import InvalidValue, UnsupportedType
from nb_artifacts.types import Image, coerce
from nb_artifacts.types._pixels import media_of
from nb_artifacts.wire import new_id

mpl.use("agg")
SVG = b'<?xml version="1.0"?>\n<!-- made -->\n<svg xmlns="http://www.w3.org/2000/svg" width="40px" height="30"><rect width="9" height="9" fill="red"/></svg>'


def encoded(image, format, **options):
    sink = io.BytesIO()
    image.save(sink, format, **options)
    return sink.getvalue()


def noise(width, height, mode="RGB"):
    rng = np.random.default_rng(1)
    bands = {"L": (), "RGB": (3,), "RGBA": (4,)}[mode]
    return PILImage.fromarray(rng.integers(0, 255, (height, width, *bands), dtype="uint8"))


def pixels(image):
    return np.asarray(image).tolist()


@pytest.mark.parametrize(
    ("format", "media", "name"),
    [("PNG", "image/png", "PNG"), ("JPEG", "image/jpeg", "JPEG"), ("GIF", "image/gif", "GIF"), ("WEBP", "image/webp", "WebP")],
)
def test_bytes_are_kept_as_they_are(tmp_path, format, media, name):
    content = encoded(noise(20, 10), format)
    path = tmp_path / "picture"
    path.write_bytes(content)
    for value in (
        content,
        bytearray(content),
        memoryview(content),
        path,
        str(path),
        f"data:{media};base64,{base64.b64encode(content).decode()}",
    ):
        payload = coerce(value, type="image")
        assert payload.content().blob == (content, media)
        assert (payload.info.width, payload.info.height, payload.info.size, payload.info.media) == (20, 10, len(content), media)
        assert payload.summary().startswith(f"{name} 20 \u00d7 10")
        read = back(payload)
        assert read.value.size == (20, 10)
        assert read.file("") == content
        assert pixels(read.image()) == pixels(PILImage.open(io.BytesIO(content)))
        assert base64.b64encode(content).decode() in payload.html(8000)
        check_shown(payload)
        check_shown(read)


def test_moving_gifs_keep_moving():
    frames = [noise(8, 8), noise(9, 9).resize((8, 8)), PILImage.new("RGB", (8, 8))]
    content = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=50)
    read = back(coerce(content, type="image"))
    assert read.file(".gif") == content
    assert read.image().n_frames == 3
    with pytest.raises(InvalidValue, match="animation"):
        coerce(PILImage.open(io.BytesIO(content)))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_pillow_images_keep_every_pixel(mode):
    image = PILImage.new(mode, (5, 4)) if mode == "I;16" else noise(5, 4, "RGBA").convert(mode)
    payload = coerce(image)
    assert payload.value is image
    read = back(payload).value
    assert pixels(read.convert("RGBA")) == pixels(image.convert("RGBA")) if mode != "I;16" else pixels(read) == pixels(image)
    assert read.mode == mode


@pytest.mark.parametrize("mode", ["CMYK", "F", "I", "HSV", "YCbCr", "LAB"])
def test_modes_without_a_place_in_png_name_the_conversion(mode):
    with pytest.raises(InvalidValue, match=r"convert\('RGB'\)"):
        coerce(PILImage.new(mode, (2, 2)))


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 6), st.integers(1, 6), st.sampled_from([(), (3,), (4,)]), st.randoms())
def test_any_array_of_bytes_comes_back_equal(height, width, bands, random):
    array = np.array(
        [random.randrange(256) for _ in range(height * width * int(np.prod(bands or (1,))))], dtype="uint8"
    ).reshape(height, width, *bands)
    payload = coerce(array)
    assert payload.value is array
    assert np.array_equal(np.asarray(back(payload).value), array)


def test_arrays_of_other_kinds():
    floats = np.array([[0.0, 0.5, 1.0]], dtype="float32")
    assert pixels(back(coerce(floats, type="image")).value) == [[0, 128, 255]]
    assert pixels(back(coerce(np.array([[True, False]]), type="image")).value) == [[255, 0]]
    assert back(coerce(np.zeros((2, 3, 1), "uint8"), type="image")).value.size == (3, 2)
    assert coerce(np.zeros((4, 6, 3), "uint8")[::2, ::3]).info.width == 2
    for array, said in [
        (np.array([[0.0, 2.0]]), "from 0 to 2"), (np.array([[np.nan]]), "nan"), (np.zeros((2, 2), "int64"), "int64"), (np.zeros((2, 2, 5), "uint8"), "shape"),
        (np.zeros(3, "uint8"), "shape"), (np.zeros((0, 5), "uint8"), "no pixels"), (np.zeros((0, 5)), "no pixels"),
    ]:  # fmt: skip
        with pytest.raises(InvalidValue, match=said):
            coerce(array, type="image")


def test_figures_are_drawn_as_a_notebook_shows_them():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(2, 1))
    axes.plot([1, 2])
    for value in (figure, axes, list(axes.lines), figure.subfigures(1, 1)):
        payload = coerce(value)
        assert payload.info.media == "image/png"
        assert payload.value is value
    assert payload.info.width < 400
    plt.close("all")
    impossible = plt.figure(figsize=(1000, 1000))
    impossible.text(0, 0, "a")
    impossible.text(1, 1, "b")
    with pytest.raises(InvalidValue, match="figure"):
        coerce(impossible)
    plt.close("all")


def test_a_url_is_kept_and_only_linked():
    payload = coerce("https://example.com/x.png?a=1&b=2", type="image")
    content = payload.content()
    assert (strict(content.data), content.blob) == ("https://example.com/x.png?a=1&b=2", None)
    assert content.info == {
        "media": None,
        "width": None,
        "height": None,
        "size": None,
        "url": "https://example.com/x.png?a=1&b=2",
    }
    read = back(payload)
    assert read.value == payload.value == "https://example.com/x.png?a=1&b=2"
    assert (
        read.html(1000)
        == '<a href="https://example.com/x.png?a=1&amp;b=2" target="_blank" rel="noopener noreferrer">Image at example.com</a>'
    )
    for call in (read.image, lambda: read.file("")):
        with pytest.raises(UnsupportedType, match="only an address"):
            call()
    check_shown(payload)
    assert stored("image", "https://example.com/a.png").value == "https://example.com/a.png"


def test_nothing_is_fetched(monkeypatch):
    import socket

    def refuse(*args, **kwargs):
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    for url in (
        "http://127.0.0.1:9/x.png",
        "http://169.254.169.254/x",
        "http://[::1]/x",
        "http://0.0.0.0/x",
        "http://2130706433/x",
    ):
        payload = coerce(url, type="image")
        payload.html(8000), payload.text(), payload.summary(), back(payload).value


def test_our_own_data_is_an_address_beside_the_artifact():
    payload, id = coerce(np.zeros((2, 2), "uint8")), new_id()
    assert strict(payload.data_for(payload.content(), id)) == f"artifacts/{id}/blob"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("javascript:alert(1)", "http"), ("data:text/html,x", "data:"), ("data:image/svg+xml;base64,PHN2Zz4=", "data:"), ("file:///etc/passwd", "http"), ("ftp://x/y.png", "http"),
        ("/etc/passwd", "not a PNG"), ("no-such-file.png", "no file"), ("", "no file"), (Path("no-such-file.png"), "cannot be read"), (b"", "begins with nothing"),
        (b"BM" + b"\x00" * 50, "not a PNG, JPEG, GIF, WebP or SVG"), (b"\x89PNG\r\n\x1a\n", "damaged PNG"), (b"\xff\xd8\xff\xe0", "damaged JPEG"), (b"GIF89a", "damaged GIF"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "damaged WebP"),
    ],
)  # fmt: skip
def test_what_is_no_image_is_refused_in_words(value, said):
    with pytest.raises(InvalidValue, match=re.escape(said)):
        coerce(value, type="image")


def test_objects_of_other_classes_are_refused():
    for value in (5, [1], {"a": 1}, object()):
        with pytest.raises(UnsupportedType, match="Pillow image"):
            coerce(value, type="image")


@pytest.mark.parametrize("size", [(60_000, 60_000), (10_001, 10_000), (2**31 - 1, 1)])
def test_pixel_bombs_are_refused_unopened(size):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(InvalidValue, match="pixels"):
        coerce(png(*size), type="image")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000


def test_pixel_bombs_from_elsewhere_are_not_opened():
    record = kept(coerce(png(10, 10), type="image"))
    bomb = png(60_000, 60_000)
    payload = Image.read(record, lambda: bomb)
    with pytest.raises(InvalidValue, match="pixels"):
        payload.image()
    check_shown(payload)
    damaged = Image.read(record, lambda: b"garbage")
    check_shown(damaged)


def test_pictures_too_large_for_their_room_are_shown_smaller_and_say_so():
    for mode in ("RGB", "RGBA", "L"):
        payload = coerce(noise(600, 400, mode))
        html = payload.html(26_000)
        assert "data:image/" in html
        assert "600 \u00d7 400" in html
        assert "shown smaller" in html
        assert 'alt="Image, PNG 600 \u00d7 400' in html
        check_shown(payload, (200, 1000, 3000, 26_000))
        assert "data:image/" in payload.html(3000)
    damaged = encoded(noise(300, 300), "PNG")[:5000]
    check_shown(coerce(damaged, type="image"), (1000, 4000))
    assert "not shown here" in coerce(damaged, type="image").html(4000)


def test_large_pictures_have_no_thumbnail():
    payload = coerce(png(9_000, 9_000), type="image")
    html = payload.html(100)
    assert "img" not in html
    check_shown(payload, (40, 300))


def test_photos_stand_upright_in_their_thumbnail():
    image = noise(400, 200)
    exif = PILImage.Exif()
    exif[0x0112] = 6
    html = coerce(encoded(image, "JPEG", exif=exif.tobytes()), type="image").html(5000)
    width, height = (int(n) for n in re.search(r'width="(\d+)" height="(\d+)"', html).groups())
    assert height > width


def test_svg_is_measured_and_shown_as_a_picture_only():
    payload = coerce(SVG, type="image")
    assert payload.info.media == "image/svg+xml"
    assert (payload.info.width, payload.info.height) == (40, 30)
    assert '<img src="data:image/svg+xml;base64,' in payload.html(4000)
    assert "<svg" not in payload.html(4000)
    read = back(payload)
    assert read.value == SVG
    with pytest.raises(UnsupportedType, match="SVG"):
        read.image()
    check_shown(payload)
    assert media_of(b'  <svg viewBox="0 0 10 20"/>') == "image/svg+xml"
    assert coerce(b'<svg viewBox="0 0 10 20"/>', type="image").summary().startswith("SVG 10 \u00d7 20")
    assert media_of(b"<html><svg/></html>") is None
    active = SVG.replace(b"<rect", b"<script>1</script><rect")
    assert "data:" not in coerce(active, type="image").html(8000)


def test_the_suffix_of_a_file_is_its_own():
    payload = coerce(noise(4, 4))
    assert payload.file(".png")[:4] == b"\x89PNG"
    with pytest.raises(InvalidValue, match=r"\.png"):
        payload.file(".jpg")


def test_objects_that_draw_themselves():
    class Drawn:
        def _repr_png_(self):
            return png(3, 3)

    assert coerce(Drawn(), type="image").info.width == 3


def test_pictures_in_addresses_of_other_clients_are_read():
    address = f"data:image/png;base64,{base64.b64encode(png(3, 2)).decode()}"
    assert stored("image", address).image().size == (3, 2)
    broken = stored("image", "data:image/png;base64,AAAA")
    assert broken.value == "data:image/png;base64,AAAA"
    check_shown(broken)


def test_summaries_need_no_bytes():
    record = kept(coerce(noise(4, 4)))
    payload = Image.read(record, lambda: 1 / 0)
    assert payload.summary().startswith("PNG 4 \u00d7 4")


def test_arrays_load_no_library_of_their_own():
    code = "import sys; from nb_artifacts.types import coerce; coerce('https://example.com/x.png', 'image').content(); print([m for m in ('PIL', 'numpy', 'matplotlib') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
