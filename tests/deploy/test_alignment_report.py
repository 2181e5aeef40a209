import base64
import re

import numpy as np
import pytest

from insightrec.deploy import alignment_report
from insightrec.deploy.alignment_report import alignment_page
from insightrec.deploy.photo_result import PhotoResult
from insightrec.recordio_tools.face_alignment import template
from insightrec.recordio_tools.image_codec import decode_rgb, encode_rgb

POINTS = [[400, 300], [500, 300], [450, 350], [420, 400], [480, 400]]


class Folders:
    """Photos of 600 x 800 pixels, gray, and crops of one color each."""

    def __init__(self, folder):
        self.photos, self.crops, self.results, self.ignored = folder / "photos", folder / "crops", {}, []

    def add(self, name, status, color=0, **known):
        for path, size, values in ((self.photos, (600, 800), 128), (self.crops, (112, 112), color)):
            if path is self.photos or status in ("aligned", "center-crop"):
                path.mkdir(exist_ok=True)
                (path / name).write_bytes(encode_rgb(np.full((*size, 3), values, np.uint8), ".png", 9))
        if status == "aligned":
            known = {"score": 0.9, "faces": 1, "box": [380, 260, 520, 430], "landmarks": POINTS, **known}
        crop = name if status in ("aligned", "center-crop") else ""
        self.results[name] = PhotoResult(name, [1, 1], status, crop=crop, **known)

    def sections(self):
        """{title: (its HTML, pictures)} of the page, pictures as uint8 RGB."""
        folders = self.photos, self.crops
        page = alignment_page(self.results, self.results.get, *folders, (112, 112), self.ignored).decode()
        self.head, *parts = page.split("<section>")
        found = {}
        for part in parts:
            pictures = [decode_rgb(base64.b64decode(data), "") for data in re.findall("base64,([^\"']+)", part)]
            found[re.search(r"<h2>([\w ]+?) *<", part).group(1)] = (part, pictures)
        return found


@pytest.fixture
def folders(tmp_path):
    return Folders(tmp_path)


def test_every_outcome_has_its_section(folders):
    folders.add("a.png", "aligned", score=0.95)
    folders.add("b.png", "aligned", faces=3)
    folders.add("c.png", "center-crop", box=[0, 0, 99, 99], landmarks=POINTS)
    folders.add("d.png", "no-face")
    folders.add("e<.png", "failed", reason="cut & short")
    sections = folders.sections()
    assert list(sections) == ["Mean", "Aligned", "Least certain", "Several faces", "Centre crops", "No face", "Failed"]
    assert [len(pictures) for _, pictures in sections.values()] == [2, 2, 4, 2, 2, 1, 0]
    assert "5 photos: 2 aligned, 1 center-crop, 1 no-face, 1 failed." in folders.head
    assert sections["Least certain"][0].index("b.png 0.900") < sections["Least certain"][0].index("a.png 0.950")
    assert "a.png" not in sections["Several faces"][0]
    assert "e&lt;.png: cut &amp; short" in sections["Failed"][0]


def test_the_mean_and_the_points(folders):
    for name, color in (("a.png", 100), ("b.png", 200)):
        folders.add(name, "aligned", color)
    mean, marked = folders.sections()["Mean"][1]
    np.testing.assert_allclose(mean, 150, atol=2)
    for x, y in template((112, 112)).round().astype(int):
        assert marked[y, x, 1] - marked[y, x, 0].astype(int) > 50


def test_a_crop_of_another_size_has_no_part_in_the_mean(folders):
    for name, color in (("a.png", 100), ("b.png", 200), ("c.png", 250)):
        folders.add(name, "aligned", color)
    (folders.crops / "c.png").write_bytes(encode_rgb(np.full((112, 96, 3), 250, np.uint8), ".png"))
    text, (mean, _) = folders.sections()["Mean"]
    assert "Of 2 aligned crops." in text
    np.testing.assert_allclose(mean, 150, atol=2)


def test_files_that_were_not_tried(folders, monkeypatch):
    monkeypatch.setattr(alignment_report, "MOST_PHOTOS", 3)
    folders.add("a.png", "no-face")
    folders.ignored = [PhotoResult(f"ann/{number}.txt", None, "ignored", "not an <image>") for number in range(5)]
    text, pictures = folders.sections()["Ignored"]
    assert "3 of 5. Files that were not tried." in text
    assert "ann/4.txt: not an &lt;image&gt;" in text
    assert pictures == []
    assert "1 photos: 0 aligned, 0 center-crop, 1 no-face, 0 failed. 5 files were ignored." in folders.head


def test_the_photo_shows_the_face_that_was_taken(folders):
    folders.add("a.png", "aligned", faces=2)
    photo, _ = folders.sections()["Several faces"][1]
    assert photo.shape == (168, 224, 3)
    is_green = photo[..., 1].astype(int) - photo[..., 0] > 60
    rows, columns = np.nonzero(is_green)
    for found, expected in zip((columns.min(), rows.min(), columns.max(), rows.max()), (380, 260, 520, 430)):
        assert found == pytest.approx(expected * 0.28, abs=3)
    for x, y in POINTS:
        assert is_green[round(y * 0.28), round(x * 0.28)]


def test_long_lists_are_sampled(folders, monkeypatch):
    monkeypatch.setattr(alignment_report, "MOST_CROPS", 5)
    monkeypatch.setattr(alignment_report, "MOST_PHOTOS", 3)
    for number in range(9):
        folders.add(f"a{number}.png", "aligned", score=1 - number / 100)
        folders.add(f"n{number}.png", "no-face")
    sections = folders.sections()
    assert "5 of 9" in sections["Aligned"][0]
    assert re.findall("<figcaption>(.*?)<", sections["Aligned"][0]) == [f"a{number}.png" for number in (0, 2, 4, 6, 8)]
    assert re.findall(r"(a\d).png 0", sections["Least certain"][0])[::2] == ["a8", "a7", "a6"]
    assert len(sections["No face"][1]) == 3


def test_files_that_are_gone_meanwhile(folders):
    folders.add("a.png", "aligned", 7)
    folders.add("b.png", "no-face")
    for path in (*folders.photos.iterdir(), *folders.crops.iterdir()):
        path.unlink()
    sections = folders.sections()
    assert list(sections) == ["Aligned", "Least certain", "No face"]
    assert all("not readable" in part for part, _ in sections.values())
