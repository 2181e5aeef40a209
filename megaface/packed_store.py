"""A packed store: the features of many images in two files in place of one file each.

``<store>.npy`` is float32 (N, D) in NumPy's format, one row an image; ``<store>.json`` is a list of the devkit
(`template_list`) with the path of each row, optionally the person, and what the features were made from.

A store grows in ``<store>.npy.part`` and ``<store>.json.part`` (a JSON object a line), so that a killed run can be
continued, and takes its own name when it is whole.
"""

import contextlib
import json
import os
from pathlib import Path

import numpy as np

from insightrec.megaface.feature_file import MAX_DIMENSION, check_finite
from insightrec.megaface.npy_matrix import HEAD_BYTES, NpyMatrix, matrix_head
from insightrec.megaface.template_list import (
    TemplateList,
    check_paths,
    read_bytes,
    read_template_list,
    write_template_list,
)
from insightrec.recordio_tools.atomic_file import refuse_existing
from insightrec.recordio_tools.errors import FeatureError, OutputError

_BUFFER = 1 << 20  # bytes


def store_files(store):
    """``(matrix, list)``, the two pathlib.Path of a packed store."""
    return Path(f"{store}.npy"), Path(f"{store}.json")


def store_path(location):
    """The path of a packed store without ending, str: ``location``, less the .npy of its matrix."""
    return os.fspath(location).removesuffix(".npy")


def open_store(store):
    """Open a packed store; returns its `NpyMatrix` and the `TemplateList` of the rows.

    Raises:
        FeatureError: the matrix is missing, damaged, or has not a row for each path.
        ListError: the list cannot be read.
    """
    matrix_path, list_path = store_files(store)
    matrix = NpyMatrix(matrix_path)
    templates = read_template_list(list_path)
    if len(templates.paths) != matrix.shape[0]:
        raise FeatureError(
            f"{matrix_path}: expected {len(templates.paths)} rows as {list_path.name} has paths, "
            f"found {matrix.shape[0]}; pack it again"
        )
    return matrix, templates


def write_store(store, rows, paths, dimension, *, ids=None, overwrite=False):
    """Write a packed store, whole or not at all.

    Args:
        store: path of the store, without ending.
        rows: iterable of float (D,) rows or (n, D) blocks of rows, in the order of ``paths``.
        paths: list of N str, each once.
        dimension: D.
        ids: list of N str, the persons, or None.
        overwrite: replace an old store.

    Raises:
        FeatureError: a row that is not finite or of another dimension; more or fewer rows than paths.
        OutputError: the store exists and ``overwrite`` is false.
    """
    with contextlib.ExitStack() as cleanup, StoreWriter(store, dimension, overwrite=overwrite) as writer:
        cleanup.callback(writer.discard)  # when the writer is done, and not where it refused to begin
        for block in map(np.atleast_2d, rows):
            part = slice(len(writer.paths), len(writer.paths) + len(block))
            writer.append(paths[part], block, None if ids is None else ids[part])
        if len(writer.paths) != len(paths):
            raise FeatureError(f"{store}: expected {len(paths)} rows, one a path, found {len(writer.paths)}")


class StoreWriter:
    """A context manager that writes a packed store block by block; it is there when the block ends without an error.

    After an error, or a kill, what was appended stays in the part files, for a run with ``resume``. When the machine
    itself stops, the last rows may be lost.

    Args:
        store: path of the store, without ending.
        dimension: D.
        source: text that names what the features are made from; a run with another one does not continue this.
        resume: continue what an earlier run began. A store that is whole stays as it is, unless rows are appended: it
            is taken apart, and whole again when the block ends without an error.
        overwrite: replace an old store, or what an earlier run began. With ``resume``, continue to replace it.

    Attributes:
        paths: list of str, those of the rows that are there.

    Raises (on entering):
        OutputError: the store exists, or was begun by a run that this one does not continue.
    """

    def __init__(self, store, dimension, *, source="", resume=False, overwrite=False):
        if not 1 <= dimension <= MAX_DIMENSION:
            raise FeatureError(f"{store}: expected features of 1 to {MAX_DIMENSION} numbers, found {dimension}")
        self.paths = []
        self._ids = []
        self._seen = set()
        self._store = store
        self._matrix, self._list = store_files(store)
        self._matrix_part, self._list_part = (Path(f"{path}.part") for path in store_files(store))
        self._dimension = dimension
        self._head = {"source": source, "dimension": dimension}
        self._resume = resume
        self._overwrite = overwrite
        self._files = contextlib.ExitStack()
        self._whole = False

    def __enter__(self):
        if self._resume and self._matrix.is_file() and self._list.is_file() and not self._matrix_part.exists():
            self._take_whole()
        else:
            self._begin()
        self._seen.update(self.paths)
        return self

    def _take_whole(self):
        matrix, templates = open_store(self._store)
        source = json.loads(read_bytes(self._list)).get("source", "")
        self._refuse_other(self._list, {"source": source, "dimension": matrix.shape[1]})
        self.paths, self._ids = templates.paths, templates.ids or []
        self._list_part.unlink(missing_ok=True)  # killed when only this was left to do
        self._whole = True

    def _refuse_other(self, path, head):
        if head != self._head:
            raise OutputError(
                f"{path}: expected features of {self._head}, found {head}; give the options of the earlier run, "
                "or --overwrite"
            )

    def _take_apart(self):
        """Turn the whole store into part files of the same rows; a run killed in between is continued as any other."""
        if self._matrix.stat().st_size != HEAD_BYTES + 4 * self._dimension * len(self.paths):
            raise OutputError(
                f"{self._matrix}: expected a store of this program to append to, found another head; give --overwrite"
            )
        rows = [{"path": path} for path in self.paths]
        for row, name in zip(rows, self._ids):
            row["id"] = name
        with open(self._list_part, "wb") as file:
            file.writelines(map(_line, [self._head, *rows]))
        self._list.unlink()  # first: a matrix with a begun list alone is a store to continue
        self._whole = False
        self._begin()

    def _begin(self):
        begun = self._list_part.is_file()
        if self._resume and begun and self._matrix.is_file() and not self._matrix_part.exists():
            os.replace(self._matrix, self._matrix_part)  # killed when only the list was left to be written
        refuse_existing([self._matrix, self._list], self._overwrite)
        if begun and not (self._resume or self._overwrite):
            raise OutputError(f"{self._list_part}: an earlier run began this store; give --resume to continue it")
        if self._resume and begun and self._matrix_part.is_file():
            self._continue()
        else:
            self._list_part.parent.mkdir(parents=True, exist_ok=True)
            self._list_part.write_bytes(_line(self._head))
            self._matrix_part.write_bytes(matrix_head(0, self._dimension))
        self._rows_file, self._paths_file = (
            self._files.enter_context(open(path, "r+b", buffering=_BUFFER))  # noqa: SIM115
            for path in (self._matrix_part, self._list_part)
        )
        for file in (self._rows_file, self._paths_file):
            file.seek(0, os.SEEK_END)

    def _continue(self):
        """Take over the rows that are whole in both part files, and cut off what follows them."""
        row_bytes = 4 * self._dimension
        lines = read_bytes(self._list_part).split(b"\n")[:-1]
        try:
            head = json.loads(lines[0]) if lines else None
            lines = lines[: 1 + max(0, self._matrix_part.stat().st_size - HEAD_BYTES) // row_bytes]
            rows = [json.loads(line) for line in lines[1:]]
            self.paths = [row["path"] for row in rows]
            self._ids = [row["id"] for row in rows if "id" in row]
        except (ValueError, TypeError, KeyError):
            raise OutputError(f"{self._list_part}: expected JSON lines, found others; give --overwrite") from None
        self._refuse_other(self._list_part, head)
        os.truncate(self._list_part, sum(len(line) + 1 for line in lines))
        os.truncate(self._matrix_part, HEAD_BYTES + len(rows) * row_bytes)

    def append(self, paths, rows, ids=None):
        """Add float ``rows`` (n, D) with their ``paths`` and, in all calls or none, ``ids`` (lists of n str).

        Raises:
            FeatureError: rows that are not finite, of another shape, or whose path has one already.
            OutputError: the store is whole already, and another program wrote it.
        """
        rows = np.ascontiguousarray(rows, "<f4")
        if rows.shape != (len(paths), self._dimension):
            raise FeatureError(
                f"{self._store}: expected {len(paths)} rows of {self._dimension} numbers, found shape {rows.shape}"
            )
        if ids is not None and len(ids) != len(paths):
            raise FeatureError(f"{self._store}: expected {len(paths)} ids as there are paths, found {len(ids)}")
        check_rows(self._store, paths, rows)
        check_paths(self._store, paths)
        for path in paths:
            if path in self._seen:
                raise FeatureError(f"{self._store}: expected each path once, found {path!r} again")
            self._seen.add(path)
        if self._whole:
            self._take_apart()
        self._rows_file.write(rows.data)
        if ids is None:
            self._paths_file.writelines(_line({"path": path}) for path in paths)
        else:
            self._paths_file.writelines(_line({"path": path, "id": name}) for path, name in zip(paths, ids))
            self._ids += ids
        self.paths += paths

    def __exit__(self, kind, *_):
        with self._files:
            if kind is None and not self._whole:
                self._commit()

    def _commit(self):
        if not self.paths:
            raise FeatureError(f"{self._store}: expected at least one feature, found none")
        if len(self._ids) not in (0, len(self.paths)):
            raise FeatureError(f"{self._store}: expected ids for all paths or none, found {len(self._ids)}")
        self._rows_file.seek(0)
        self._rows_file.write(matrix_head(len(self.paths), self._dimension))
        self._rows_file.flush()
        os.fsync(self._rows_file.fileno())
        self._paths_file.flush()
        self._list.unlink(missing_ok=True)  # without its list a matrix is no store: the list comes last
        os.replace(self._matrix_part, self._matrix)
        write_template_list(self._list, TemplateList(self.paths, self._ids or None), source=self._head["source"])
        self._list_part.unlink()

    def discard(self):
        """Remove the part files, if there are any."""
        self._matrix_part.unlink(missing_ok=True)
        self._list_part.unlink(missing_ok=True)


def check_rows(source, paths, rows):
    """Raise `FeatureError` for the first of ``rows`` (n, D) that is not finite, by ``source`` and its path."""
    finite = np.isfinite(rows).all(axis=1)
    if not finite.all():
        row = int(finite.argmin())
        check_finite(f"{source}: {paths[row]}", rows[row])


def _line(content):
    return json.dumps(content).encode("ascii") + b"\n"
