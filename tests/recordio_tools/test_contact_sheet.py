import base64
from html.parser import HTMLParser

import numpy as np
import pytest

from insightrec.recordio_tools.contact_sheet import LARGEST_ENCODED, Picture, Section, contact_sheet, shown
from insightrec.recordio_tools.errors import ImageError
from insightrec.recordio_tools.image_codec import decode_rgb, encode_rgb


class Page(HTMLParser):
    """What a browser would see: elements by tag, the text inside each kind, images decoded."""

    def __init__(self, data):
        super().__init__()
        self.open, self.elements, self.texts, self.encoded = [], [], {}, []
        self.feed(data.decode("utf-8"))
        self.close()
        assert self.open == []  # every element is closed

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag == "img":
            kind, _, text = dict(attributes)["src"].partition(";base64,")
            self.encoded.append((kind, base64.b64decode(text, validate=True)))
        if tag not in ("img", "meta"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open:
            self.texts.setdefault(self.open[-1], []).append(data)

    def count(self, tag, kind=None):
        return sum(name == tag and kind in (None, attributes.get("class")) for name, attributes in self.elements)


def smooth(height, width):
    rows, columns = np.mgrid[:height, :width]
    planes = (rows * 255 // height, columns * 255 // width, (rows + columns) * 255 // (height + width))
    return np.dstack(planes).astype(np.uint8)


def page_of(*pictures, caption=""):
    return Page(contact_sheet("t", "", [Section("s", "", [[Picture(image, caption) for image in pictures]])]))


def test_everything_is_on_the_page():
    groups = [[Picture(smooth(20, 20), "a 1"), Picture(smooth(20, 20), "a 2")], [Picture(None, "b 1")]]
    sections = [Section("Pairs", "close ones", groups), Section("Single", "", [[Picture(smooth(9, 9))]] * 2)]
    page = Page(contact_sheet("Duplicates", "3 of 10", sections))
    assert page.texts["title"] == page.texts["h1"] == ["Duplicates"]
    assert page.texts["p"] == ["3 of 10", "close ones"]
    assert page.texts["h2"] == ["Pairs ", "Single "]
    assert page.texts["span"] == ["3 pictures in 2 groups", "2 pictures"]
    assert page.texts["figcaption"] == ["a 1", "a 2", "b 1"]
    assert (page.count("img"), page.count("div", "empty"), page.count("figure")) == (4, 1, 5)
    assert (page.count("section"), page.count("div", "group")) == (2, 4)
    assert page.texts["div"].count("not readable") == 1


def test_nothing_is_fetched_or_run():
    page = page_of(smooth(20, 20), encode_rgb(smooth(20, 20)), caption="x")
    assert {tag for tag, _ in page.elements}.isdisjoint({"script", "link", "iframe", "a", "object"})
    for tag, attributes in page.elements:
        assert not any(name.startswith("on") for name in attributes)
        assert tag == "img" or "src" not in attributes
        assert attributes.get("src", "data:image/").startswith("data:image/")
    assert "url(" not in page.texts["style"][0]
    assert "@import" not in page.texts["style"][0]


@pytest.mark.parametrize("size", [(112, 112), (112, 96), (224, 224), (1, 1)])
def test_a_small_picture_keeps_its_size(size):
    ((kind, data),) = page_of(smooth(*size)).encoded
    assert kind == "data:image/jpeg"
    np.testing.assert_allclose(decode_rgb(data, "x").astype(int), smooth(*size).astype(int), atol=12)


@pytest.mark.parametrize(("size", "expected"), [((448, 896), (112, 224)), ((225, 3), (224, 3)), ((5000, 1), (224, 1))])
def test_a_large_picture_is_shrunk_in_proportion(size, expected):
    ((_, data),) = page_of(smooth(*size)).encoded
    found = decode_rgb(data, "x")
    assert found.shape == (*expected, 3)
    if size[1] > 100:
        np.testing.assert_allclose(found.astype(int), smooth(*expected).astype(int), atol=12)


@pytest.mark.parametrize("encoding", [".jpg", ".png"])
def test_encoded_bytes_go_in_as_they_are(encoding):
    data = encode_rgb(smooth(300, 40), encoding)
    kind = {".jpg": "data:image/jpeg", ".png": "data:image/png"}[encoding]
    assert page_of(data).encoded == [(kind, data)]


def test_encoded_bytes_that_are_many_are_shrunk():
    noise = np.random.default_rng(0).integers(0, 256, (300, 300, 3)).astype(np.uint8)
    data = encode_rgb(noise, ".png")
    assert len(data) > LARGEST_ENCODED
    ((kind, found),) = page_of(data).encoded
    assert kind == "data:image/jpeg"
    assert decode_rgb(found, "x").shape == (224, 224, 3)


def test_bytes_that_are_no_picture_are_named():
    with pytest.raises(ImageError, match=r"^a\.jpg: expected an image, found 4 bytes"):
        page_of(b"text", caption="a.jpg")


def test_texts_are_escaped():
    hostile = "<script>alert('x')</script> & \" onerror=\"y"
    sections = [Section(hostile, hostile, [[Picture(smooth(4, 4), hostile), Picture(None, hostile)]])]
    data = contact_sheet(hostile, hostile, sections)
    assert b"<script" not in data
    page = Page(data)
    assert page.texts["title"] == page.texts["h1"] == [hostile]
    assert page.texts["p"] == page.texts["figcaption"] == [hostile, hostile]
    assert [attributes["alt"] for tag, attributes in page.elements if tag == "img"] == [hostile]


def test_a_name_that_utf8_cannot_hold():
    page = page_of(None, caption=b"caf\xe9.jpg".decode("utf-8", "surrogateescape"))
    assert page.texts["figcaption"] == ["caf\\udce9.jpg"]
    assert page_of(None, caption="caf\u00e9.jpg").texts["figcaption"] == ["caf\u00e9.jpg"]


def test_the_same_bytes_every_time():
    sections = [Section("s", "n", [[Picture(smooth(250, 30), "c")], [Picture(None)]])]
    assert contact_sheet("t", "n", sections) == contact_sheet("t", "n", sections)


def test_an_empty_sheet():
    page = Page(contact_sheet("Nothing", "", [Section("None", "", []), Section("Empty", "", [[]])]))
    assert page.texts["span"] == ["0 pictures", "0 pictures"]


@pytest.mark.parametrize("count", [0, 1, 2, 5, 100, 1001])
@pytest.mark.parametrize("most", [0, 1, 2, 7, 100])
def test_shown_spreads_evenly(count, most):
    found = shown(range(count), most)
    assert len(found) == len(set(found)) == min(count, most)
    assert found == sorted(found)
    if found:
        assert found[0] == 0
    if len(found) > 1:
        assert found[-1] == count - 1
        steps = np.diff(found)
        assert steps.max() - steps.min() <= 1
