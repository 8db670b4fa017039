"""Texts, links, images, numbers and what has another type on each side."""

import io

import numpy as np
import pytest
from PIL import Image

import nb_artifacts as nba
from nb_artifacts.diff import image as images
from nb_artifacts.errors import BlobMissing, InvalidValue, NotFound


def test_markdown_line_by_line(diff):
    found = diff("# A\n\none\ntwo", "# A\n\none\nthree\nfour")
    assert found.text.lines == [("=", "# A"), ("=", ""), ("=", "one"), ("-", "two"), ("+", "three"), ("+", "four")]
    assert (found.text.added, found.text.removed, found.text.whole, found.same) == (2, 1, True, False)
    assert diff("same", "same").same
    assert "2 lines added · 1 line removed" in repr(found)


def test_long_texts_show_what_is_near_a_change(diff):
    old = [f"line {n}" for n in range(5000)]
    new = [*old[:2500], "new", *old[2500:]]
    found = diff("\n".join(old), "\n".join(new))
    assert [mark for mark, _ in found.text.lines] == ["…", "=", "=", "=", "+", "=", "=", "=", "…"]
    assert found.text.lines[0][1] == "2,497 equal lines"


@pytest.mark.parametrize("line", ["same {}", "x"])
def test_texts_too_long_to_match_are_compared_all_the_same(diff, line):
    old = "\n".join(line.format(n) for n in range(30_000))
    new = "\n".join(line.format(n + 0.5) for n in range(29_000))
    found = diff(old, new)
    assert not found.same
    assert sum(len(text) for _, text in found.text.lines) <= 200_000
    assert len(repr(found).encode()) <= 4096


def test_links_by_address_and_text(diff):
    first = nba.create_link_artifact("https://a.example/", "Here", key="l")
    second = nba.create_link_artifact("https://b.example/", "Here", key="l")
    found = nba.Artifact.get(id=first).diff(nba.Artifact.get(id=second))
    assert found.text.lines == [("-", "https://a.example/"), ("+", "https://b.example/"), ("=", "Here")]


def test_json_of_another_tool_member_by_member():
    first, second = (nba.Artifact(type="theirs", key="j", data={"a": 1, "b": value}).create() for value in (1, 2))
    assert [line for line in first.diff(second).text.lines if line[0] != "="] == [("-", '  "b": 1'), ("+", '  "b": 2')]


def test_images_pixel_by_pixel(diff):
    old = np.zeros((40, 60, 3), np.uint8)
    new = old.copy()
    new[3:5, 6:9] = 200
    found = diff(old, new)
    assert (found.image.changed_pixels, found.image.total_pixels, found.image.width) == (6, 2400, 60)
    with Image.open(io.BytesIO(nba.types.image._decoded(found.image.difference))) as marked:
        clear = np.array(marked)[:, :, 3]
    assert (clear > 0).sum() == 6 and clear[3, 6] > 0
    assert "<img" in found._repr_mimebundle_()["text/html"]
    assert diff(old, old).same


def test_a_single_changed_pixel_of_a_large_image_is_seen(diff):
    old = np.zeros((2500, 3000), np.uint8)
    new = old.copy()
    new[1234, 2345] = 1
    found = diff(old, new)
    assert found.image.changed_pixels == 1
    with Image.open(io.BytesIO(nba.types.image._decoded(found.image.difference))) as marked:
        assert max(marked.size) == 1024
        assert np.array(marked)[:, :, 3].max() > 0


def test_images_of_other_sizes_and_too_large_ones_say_so(diff, monkeypatch):
    old = np.zeros((40, 60), np.uint8)
    found = diff(old, old[:-1])
    assert found.image.changed_pixels is None
    assert "60 × 40 before, 60 × 39 after" in found.note
    monkeypatch.setattr(images, "MOST", 1000)
    assert "60 × 40 are more than the 1,000" in diff(old, old + 1).note


def test_addresses_of_images(diff):
    ids = [nba.create_image_artifact(f"https://a.example/{n}.png", key="i") for n in (1, 2)]
    found = nba.Artifact.get(id=ids[0]).diff(str(ids[1]))
    assert not found.same and found.text.added == 1


def test_numbers_and_the_series_of_their_key():
    ids = [nba.create_progress_artifact(value, key="p") for value in (10, 40, 100)]
    found = nba.Artifact.get(id=ids[0]).diff(3)
    assert (found.number.before, found.number.after) == (10, 100)
    assert [(point.version, point.value, point.state) for point in found.number.series] == [
        (1, 10, "running"), (2, 40, "running"), (3, 100, "finished"),
    ]  # fmt: skip
    assert "10 → 100" in repr(found)


def test_another_type_is_said(diff):
    found = diff("text", [{"a": 1}])
    assert (found.type, found.same, found.note) == (None, False, "types differ: 'markdown' before, 'table' after.")
    assert found.note in repr(found) and found.note.split(":")[0] in found._repr_mimebundle_()["text/html"]


def test_other_is_an_artifact_a_version_or_a_name():
    first, second, elsewhere = nba.create("a", "k"), nba.create("b", "k"), nba.create("a", "elsewhere")
    for other in (second, 2, "k@2", "k", str(second.id)):
        assert first.diff(other).after.id == second.id
    assert first.diff("elsewhere").same
    assert first.diff(elsewhere).to_dict()["to"] == {
        "id": str(elsewhere.id),
        "key": "elsewhere",
        "version": 1,
        "type": "markdown",
    }
    with pytest.raises(NotFound, match="no version 7"):
        first.diff(7)


def test_bytes_that_are_gone_or_damaged_are_named():
    for key, values in {
        "tables": ([{"a": 1}], [{"a": 2}]),
        "images": (np.zeros((4, 4), np.uint8), np.ones((4, 4), np.uint8)),
    }.items():
        first, second = (nba.create(value, key) for value in values)
        blob, store = second._record.blob, second._store
        store._blobs.path(blob.sha256).write_bytes(b"x" * blob.size)
        with pytest.raises(InvalidValue, match=r"not a readable Parquet file|is not a PNG"):
            first.diff(second)
        store._blobs.remove(blob.sha256)
        with pytest.raises(BlobMissing, match=blob.sha256):
            first.diff(second)


def test_figures_by_their_text_and_whether_they_are_drawn_alike(diff):
    class Drawn:
        def __init__(self, html):
            self.html = html

        def _repr_html_(self):
            return self.html

        def __repr__(self):
            return "<figure>"

    found = diff(Drawn("<b>1</b>"), Drawn("<b>2</b>"), type="display")
    assert not found.same and "only their texts" in found.note
    assert diff(Drawn("<b>1</b>"), Drawn("<b>1</b>"), type="display").same
