"""A page on which a person sees at a glance whether faces were found and aligned."""

import heapq

import cv2
import numpy as np

from insightrec.deploy.photo_alignment import STATUSES
from insightrec.recordio_tools.contact_sheet import LARGEST_SIDE, Picture, Section, contact_sheet, shown
from insightrec.recordio_tools.errors import ImageError
from insightrec.recordio_tools.face_alignment import template
from insightrec.recordio_tools.image_file import read_image

MOST_CROPS, MOST_PHOTOS = 240, 48  # pictures of one section; a photo is decoded whole to be shown small
_GREEN = (0, 255, 0)


def alignment_page(photos, result_of, photo_folder, crop_folder, image_size, ignored=()):
    """A contact sheet of crops, of the least certain faces, of choices between faces, of failures, and of other files.

    Args:
        photos: iterable of the photos' paths, in order.
        result_of: function of a path that gives its `PhotoResult`; only those shown are kept.
        photo_folder, crop_folder: pathlib.Path, what the paths of photos and crops begin at.
        image_size: (height, width) of the crops.
        ignored: sequence of `PhotoResult`, of files that were not tried.

    Returns:
        bytes, one HTML file.
    """
    photos_of = {status: [] for status in STATUSES}
    several, scores = [], []
    for photo in photos:
        result = result_of(photo)
        photos_of[result.status].append(photo)
        if result.status == "aligned":
            scores.append((result.score, photo))
            if result.faces > 1:
                several.append(photo)
    least = [photo for _, photo in heapq.nsmallest(MOST_PHOTOS, scores)]
    total = sum(map(len, photos_of.values()))

    def side_by_side(photo):
        result = result_of(photo)
        text = photo if result.score is None else f"{photo} {result.score:.3f}"
        return [_small_photo(photo_folder / photo, result, text), Picture(_bytes(crop_folder / result.crop))]

    def photo_alone(photo):
        return [_small_photo(photo_folder / photo, result_of(photo), photo)]

    def failure(result):
        return [Picture(None, f"{result.photo}: {result.reason}")]

    crops = [(photo, crop_folder / result_of(photo).crop) for photo in shown(photos_of["aligned"], MOST_CROPS)]
    sections = [
        _mean_section([path for _, path in crops], image_size),
        Section(
            "Aligned",
            f"{_of(crops, photos_of['aligned'])}. Eyes, nose and mouth stand at the same places in all of them.",
            [[Picture(_bytes(path), photo)] for photo, path in crops],
        ),
    ]
    middle, none, failed = (photos_of[status] for status in ("center-crop", "no-face", "failed"))
    for title, note, some, found, picture in (
        ("Least certain", "The lowest scores, lowest first: is it a face?", least, scores, side_by_side),
        ("Several faces", "Is it the right one that was taken?", shown(several, MOST_PHOTOS), several, side_by_side),
        ("Centre crops", "No face was found; this is the middle.", shown(middle, MOST_PHOTOS), middle, side_by_side),
        ("No face", "No face was found, and there is no crop.", shown(none, MOST_PHOTOS), none, photo_alone),
    ):
        sections.append(Section(title, f"{_of(some, found)}. {note}", [picture(photo) for photo in some]))
    for title, note, some, found in (
        ("Failed", "The photo could not be used.", map(result_of, shown(failed, MOST_PHOTOS)), failed),
        ("Ignored", "Files that were not tried.", shown(ignored, MOST_PHOTOS), ignored),
    ):
        groups = [failure(result) for result in some]
        sections.append(Section(title, f"{_of(groups, found)}. {note}", groups))
    counts = ", ".join(f"{len(found)} {status}" for status, found in photos_of.items())
    left_out = f" {len(ignored)} files were ignored." if ignored else ""
    return contact_sheet(
        f"Alignment of {photo_folder}",
        f"{total} photos: {counts}.{left_out}",
        [section for section in sections if section.groups],
    )


def _mean_section(paths, image_size):
    """The mean of the crops that can be read, plain and with the template's points."""
    total, count = np.zeros((*image_size, 3)), 0
    for path in paths:
        pixels = _pixels(path)
        if pixels is not None and pixels.shape == total.shape:
            total, count = total + pixels, count + 1
    if not count:
        return Section("Mean", "", [])
    mean = np.round(total / count).astype(np.uint8)
    marked = mean.copy()
    _mark(marked, template(image_size))
    return Section(
        "Mean",
        f"Of {count} aligned crops. It looks like a face with its eyes, nose and mouth at the points; a blur means "
        "that many are not aligned.",
        [[Picture(mean), Picture(marked)]],
    )


def _small_photo(path, result, text):
    """The photo with the box and landmarks that were taken, if any, or a picture that says it cannot be read."""
    pixels = _pixels(path)
    if pixels is None:
        return Picture(None, text)
    scale = min(1.0, LARGEST_SIDE / max(pixels.shape[:2]))
    size = tuple(max(1, round(side * scale)) for side in pixels.shape[1::-1])
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    if result.box:
        x1, y1, x2, y2 = np.round(np.multiply(result.box, scale)).astype(int).tolist()
        cv2.rectangle(small, (x1, y1), (x2, y2), _GREEN, 2)
        _mark(small, np.multiply(result.landmarks, scale), radius=2)
    return Picture(small, text)


def _mark(image, points, radius=1):
    for x, y in np.round(points).astype(int).tolist():
        cv2.circle(image, (x, y), radius, _GREEN, -1)


def _pixels(path):
    try:
        return read_image(path)[1]
    except ImageError:
        return None


def _bytes(path):
    """The bytes of an image that can be decoded, else None."""
    try:
        return read_image(path)[0]
    except ImageError:
        return None


def _of(some, all_of_them):
    return f"{len(some)} of {len(all_of_them)}"
