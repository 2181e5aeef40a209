"""Image-list rows to an identity-indexed record set: checked, aligned where need be, in order."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from insightrec.recordio_tools.crop_size import check_size
from insightrec.recordio_tools.errors import ImageError, ListError
from insightrec.recordio_tools.face_alignment import align_face
from insightrec.recordio_tools.identity_ranges import refuse_rounded, rounded_by_float32
from insightrec.recordio_tools.image_codec import JPEG_QUALITY, encode_rgb
from insightrec.recordio_tools.image_file import read_image
from insightrec.recordio_tools.image_header import record_suffix
from insightrec.recordio_tools.ordered_pool import ordered_map


class FaceCodec(NamedTuple):
    """How rows become encoded faces.

    folder: what relative paths are relative to. image_size: ``(height, width)``. encoding, quality,
    gray: of faces that are aligned here (`encode_rgb`); aligned files are passed through as they are.
    """

    folder: Path
    image_size: tuple
    encoding: str = ".jpg"
    quality: int = JPEG_QUALITY
    gray: bool = False

    def read(self, row):
        """The encoded face (bytes) of one `ListRow`.

        Raises:
            ImageError: the file is missing or damaged, has another size or a format that records do not hold, or
                has to be aligned and its row has no landmarks.
        """
        path = self.folder / row.path
        data, image = read_image(path, gray=self.gray and not row.aligned)
        if row.aligned:
            check_size(image, self.image_size, path)
            record_suffix(data, path)  # refuses a GIF, say: its bytes would go into the record
            return data
        if row.landmarks is None:
            raise ImageError(f"{path}: not aligned and without landmarks (17 columns); align it, or add its landmarks")
        try:
            face = align_face(image, row.landmarks, self.image_size)
        except ImageError as error:
            raise ImageError(f"{path}: {error}") from None
        return encode_rgb(face, self.encoding, self.quality)


def pack_faces(rows, writer, codec, *, threads, pair_labels=True, skip_errors=False, list_folder=None):
    """Read, check and write every row, in order.

    Args:
        rows: list of `ListRow`.
        writer: `FaceSetWriter`.
        codec: `FaceCodec`.
        threads: how many read and decode; the output does not depend on it.
        pair_labels: store ``[label, aligned]`` as face2rec2 does, else the scalar label.
        skip_errors: leave images out that cannot be used, instead of raising the first `ImageError`.
        list_folder: prefix of the paths written to the ``.lst`` (default: as they stand in the rows).

    Returns:
        list of `ImageError`: the images left out.
    """
    skipped = []
    faces = ordered_map(lambda row: _attempt(codec.read, row), rows, threads)
    for row, face in zip(rows, tqdm(faces, total=len(rows), unit="image", disable=None)):
        if isinstance(face, ImageError):
            if not skip_errors:
                raise face
            skipped.append(face)
            continue
        path = row.path if list_folder is None else str(Path(list_folder) / row.path)
        writer.add(face, row.label, path, aligned_flag=float(row.aligned) if pair_labels else None)
    return skipped


def group_rows(rows):
    """Rows with those of one label together, labels by first appearance, order within kept.

    Returns:
        ``(rows, runs, labels)``: the rows, how many runs of equal labels there were, how many labels.
    """
    values = np.array([row.label for row in rows])
    runs = 1 + int(np.count_nonzero(np.diff(values)))
    _, first, inverse = np.unique(values, return_index=True, return_inverse=True)
    if runs == len(first):
        return rows, runs, runs
    order = np.argsort(first[inverse.ravel()], kind="stable")
    return [rows[place] for place in order.tolist()], runs, len(first)


def check_rows(rows, num_classes, source, *, allow_rounded_ranges):
    """Refuse before hours of work what the writer would refuse in the end.

    Raises:
        ListError: a label outside 0..num_classes-1, or one that float32 rounds.
        RecordError: an identity boundary that float32 rounds, unless allowed.
    """
    values = np.array([row.label for row in rows])
    wrong = np.flatnonzero((values < 0) | (values >= num_classes))
    if len(wrong):
        row = rows[wrong[0]]
        raise ListError(
            f"{source}: line {row.line}: label {row.label} of {row.path} lies outside 0..{num_classes - 1} "
            f"({len(wrong)} such lines); correct the list, or num_classes in property"
        )
    rounded = rounded_by_float32(np.unique(values))
    if len(rounded):
        raise ListError(
            f"{source}: label {rounded[0]} is above 2^24 and float32, which the format uses, rounds it; "
            "number the labels from 0"
        )
    if not allow_rounded_ranges:
        starts = 2 + np.flatnonzero(np.diff(values))
        first_identity = 1 + len(rows)
        refuse_rounded([*starts.tolist(), first_identity, first_identity + 1 + len(starts)], source)


def _attempt(function, argument):
    try:
        return function(argument)
    except ImageError as error:
        return error
