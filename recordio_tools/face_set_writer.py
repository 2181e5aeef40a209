"""Writing an identity-indexed record set: ``train.rec``, ``train.idx``, ``property``, ``train.lst``."""

import contextlib
import hashlib
from pathlib import Path
from typing import NamedTuple

from insightrec.recordio_tools.atomic_file import AtomicFileSet
from insightrec.recordio_tools.errors import RecordError
from insightrec.recordio_tools.identity_ranges import refuse_rounded, rounded_by_float32
from insightrec.recordio_tools.list_file import format_row
from insightrec.recordio_tools.property_file import SetProperty
from insightrec.recordio_tools.record_label import pack_label
from insightrec.recordio_tools.record_writer import RecordWriter


class SetSummary(NamedTuple):
    """What was written: images, identity records, bytes of the ``.rec`` and their SHA-256."""

    images: int
    identities: int
    bytes: int
    sha256: str


@contextlib.contextmanager
def create_face_set(
    folder,
    *,
    num_classes,
    image_size,
    stem="train",
    write_property=True,
    write_list=True,
    allow_rounded_ranges=False,
    overwrite=False,
):
    """A `FaceSetWriter` on ``folder``; the files appear, whole, when the block ends without an error.

    Args:
        folder: where the set goes; made if need be.
        num_classes: labels lie in 0..num_classes-1.
        image_size: ``(height, width)`` of every image, for ``property``.
        stem: name of the ``.rec``, ``.idx`` and ``.lst``.
        write_property, write_list: also write ``property`` and the ``.lst``.
        allow_rounded_ranges: write identity ranges that float32 rounds, instead of refusing.
        overwrite: replace files that exist.

    Raises:
        OutputError: a file exists and ``overwrite`` is false.
        RecordError: see `FaceSetWriter.add` and `FaceSetWriter.finish`.
    """
    path = Path(folder) / f"{stem}.rec"
    property_path = [path.with_name("property")] if write_property else []
    list_path = [path.with_suffix(".lst")] if write_list else []
    # The index last: without it the rest is no readable set.
    paths = [path, *property_path, *list_path, path.with_suffix(".idx")]
    with AtomicFileSet(paths, overwrite=overwrite) as files:
        file_of = dict(zip(paths, files))
        digest = hashlib.sha256()
        records = RecordWriter(_HashingFile(files[0], digest), files[-1])
        list_file = file_of[list_path[0]] if list_path else None
        writer = FaceSetWriter(records, path, num_classes, list_file, allow_rounded_ranges)
        yield writer
        images, identities = writer.finish()
        for file in property_path:
            file_of[file].write(f"{SetProperty(num_classes, *image_size)}\n".encode())
        writer.summary = SetSummary(images, identities, records.size, digest.hexdigest())


class FaceSetWriter:
    """Lays out images and identities as InsightFace's face2rec2 does (made by `create_face_set`).

    Images get keys 1..N in the order they are added; then come key 0 with ``[N+1, N+1+identities]``
    and one empty record for each run of equal labels, with its range ``[a, b)`` of image keys.
    ``summary`` is the `SetSummary` once the block has ended.
    """

    def __init__(self, records, path, num_classes, list_file, allow_rounded_ranges):
        self._records = records
        self._path = path
        self._num_classes = num_classes
        self._list_file = list_file
        self._allow_rounded = allow_rounded_ranges
        self._run_starts = []  # key at which each identity begins
        self._label = None
        self._key = 1
        self.summary = None

    def add(self, image, label, path, *, aligned_flag=None):
        """Append one image.

        Args:
            image: bytes of the encoded face.
            label: int class; one that differs from the previous image's begins a new identity.
            path: its path in the ``.lst``.
            aligned_flag: None for a scalar label; a number to store ``[label, aligned_flag]`` as
                face2rec2 does.

        Raises:
            RecordError: the label lies outside 0..num_classes-1 or float32 rounds it; the image has 2^29
                bytes or more; a boundary that float32 would round.
        """
        if not 0 <= label < self._num_classes or len(rounded_by_float32([label])):
            raise RecordError(
                f"{self._path}: {path}: label {label} lies outside 0..{self._num_classes - 1}, or float32 rounds it; "
                "correct the list, or num_classes in property"
            )
        if label != self._label:
            self._refuse_rounded([self._key])
            self._run_starts.append(self._key)
            self._label = label
        stored = label if aligned_flag is None else (label, aligned_flag)
        self._records.write(self._key, pack_label(stored, image, id=self._key))
        if self._list_file:
            self._list_file.write(format_row(path, label))
        self._key += 1

    def finish(self):
        """Write key 0 and the identities; returns ``(images, identities)``.

        Raises:
            RecordError: no image was added; a boundary that float32 would round.
        """
        start = self._key
        if start == 1:
            raise RecordError(f"{self._path}: expected at least one image, got none; nothing was written")
        end = start + len(self._run_starts)
        self._refuse_rounded([start, end])
        self._records.write(0, pack_label((start, end)))
        bounds = [*self._run_starts, start]
        for key, first, stop in zip(range(start, end), bounds, bounds[1:]):
            self._records.write(key, pack_label((first, stop), id=key))
        return start - 1, end - start

    def _refuse_rounded(self, boundaries):
        if not self._allow_rounded:
            refuse_rounded(boundaries, self._path)


class _HashingFile:
    """Passes what is written to a file through a hash on the way."""

    def __init__(self, file, digest):
        self._file, self._digest = file, digest

    def write(self, data):
        self._digest.update(data)
        self._file.write(data)
