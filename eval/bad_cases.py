"""Pages of the pairs a model gets wrong: false accepts and false rejects, the worst first."""

import glob
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from insightrec.eval.pair_folds import pair_folds
from insightrec.recordio_tools.atomic_file import atomic_write
from insightrec.recordio_tools.crop_size import decode_to_size
from insightrec.recordio_tools.image_codec import encode_rgb

COLUMNS, ROWS = 4, 10  # pairs a page
CAPTION_HEIGHT = 18  # pixels
GAP = 4  # pixels of background between tiles
BACKGROUND, INK = 255, (0, 0, 0)
FONT, FONT_SCALE = cv2.FONT_HERSHEY_SIMPLEX, 0.4


@dataclass(frozen=True)
class BadCase:
    """Pair ``pair`` of a pack, at squared L2 ``distance``, wrong under its fold's ``threshold``."""

    pair: int
    distance: float
    threshold: float


def bad_cases(distance, is_same, fold_threshold):
    """Wrong pairs, each judged at the threshold of its own fold (distance < threshold means same).

    Args:
        distance: (P,) float.
        is_same: (P,) bool.
        fold_threshold: one float per contiguous fold, as `KFoldAccuracy.fold_threshold`.

    Returns:
        (false accepts, ascending distance; false rejects, descending distance), lists of `BadCase`.
    """
    accepts, rejects = [], []
    for threshold, fold in zip(fold_threshold, pair_folds(len(is_same), len(fold_threshold))):
        for pair in range(fold.start, fold.stop):
            accepted = distance[pair] < threshold
            if accepted != is_same[pair]:
                case = BadCase(pair, float(distance[pair]), threshold)
                (accepts if accepted else rejects).append(case)
    accepts.sort(key=lambda case: case.distance)
    rejects.sort(key=lambda case: -case.distance)
    return accepts, rejects


def write_bad_cases(folder, name, cases, pack, size, source):
    """Write `bad_case_pages` as ``<folder>/<name>__<kind>-<number>.png``, replacing all pages of that name.

    Args:
        cases: dict kind, e.g. ``"false_accepts"``, -> list of `BadCase`.

    Returns:
        list of the paths written.

    Raises:
        ImageError: an image cannot be decoded or shown at ``size``.
    """
    old, written = page_files(folder, name), []
    for kind, cases_of_kind in cases.items():
        for number, page in enumerate(bad_case_pages(cases_of_kind, pack, size, source), start=1):
            path = Path(folder) / f"{name}__{kind}-{number:03}.png"
            with atomic_write(path, overwrite=True) as file:
                file.write(encode_rgb(page, ".png"))
            written.append(path)
    for path in set(old) - set(written):  # an earlier run had more pages
        path.unlink()
    return written


def page_files(folder, name):
    """The pages of ``name`` that are in ``folder``."""
    return sorted(Path(folder).glob(f"{glob.escape(name)}__false_*.png"))


def bad_case_pages(cases, pack, size, source):
    """Yield pages, uint8 RGB images of up to `COLUMNS` x `ROWS` pairs with number and distance under each.

    Args:
        cases: list of `BadCase`.
        pack: the `VerificationPack` they come from.
        size: (H, W) in pixels to show each image at.
        source: what to call the pack in an error.
    """
    for start in range(0, len(cases), COLUMNS * ROWS):
        yield _page([_tile(case, pack, size, source) for case in cases[start : start + COLUMNS * ROWS]])


def _tile(case, pack, size, source):
    """Both images of a pair side by side over a caption."""
    left, right = (
        decode_to_size(pack.images[place], size, f"{source}: image {place}")
        for place in (2 * case.pair, 2 * case.pair + 1)
    )
    caption = np.full((CAPTION_HEIGHT, 2 * size[1], 3), BACKGROUND, np.uint8)
    sign = "<" if case.distance < case.threshold else ">="
    text = f"pair {case.pair}: {case.distance:.3f} {sign} {case.threshold:.2f}"
    cv2.putText(caption, text, (2, CAPTION_HEIGHT - 6), FONT, FONT_SCALE, INK, 1, cv2.LINE_AA)
    return np.vstack([np.hstack([left, right]), caption])


def _page(tiles):
    height, width = tiles[0].shape[0] + GAP, tiles[0].shape[1] + GAP
    rows = -(-len(tiles) // COLUMNS)
    page = np.full((rows * height + GAP, COLUMNS * width + GAP, 3), BACKGROUND, np.uint8)
    for number, tile in enumerate(tiles):
        top, left = GAP + number // COLUMNS * height, GAP + number % COLUMNS * width
        page[top : top + tile.shape[0], left : left + tile.shape[1]] = tile
    return page
