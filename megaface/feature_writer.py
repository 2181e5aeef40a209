"""Writing the features of a list block by block, as files or (`packed_store.StoreWriter`) as a packed store."""

from pathlib import Path

from tqdm import tqdm

from insightrec.megaface.feature_file import feature_content
from insightrec.recordio_tools.atomic_file import atomic_write, write_quickly
from insightrec.recordio_tools.errors import OutputError

_BLOCK = 4096  # rows; 8 MB of 512 numbers


class FileWriter:
    """A context manager that writes feature files ``<root>/<path><file_ending>``, used as a `StoreWriter`.

    Args:
        root: the folder.
        file_ending: what is added to a path, such as ``_model.bin``.
        source: text that names what the features are made from, kept in ``<root>_origin.json``; a run with another one
            does not continue this. "" keeps none.
        resume: the folder may have files; those that are as they would be written stay.
        overwrite: the folder may have files; those of the same names are replaced.

    Raises (on entering):
        OutputError: the folder is not empty, and neither ``resume`` nor ``overwrite`` is given, or with ``resume`` the
            files are of another ``source``.
    """

    def __init__(self, root, file_ending, *, source="", resume=False, overwrite=False):
        self.paths = []  # files are looked at one by one, when their turn comes
        self._root = Path(root)
        self._ending = file_ending
        self._source = source
        self._resume = resume
        self._overwrite = overwrite

    def __enter__(self):
        there = self._root.is_dir() and any(self._root.iterdir())
        if there and not (self._resume or self._overwrite):
            raise OutputError(
                f"{self._root}: expected an empty or new folder; choose another, or --resume an earlier run"
            )
        if self._source:
            self._mark(there and not self._overwrite)
        return self

    def _mark(self, there):
        """Write what the files are made from, or where files are ``there`` compare it with what is written."""
        path = Path(f"{self._root}_origin.json")
        if not there:
            with atomic_write(path, overwrite=True) as file:
                file.write(self._source.encode("utf-8", "surrogateescape"))
            return
        found = path.read_bytes().decode("utf-8", "surrogateescape") if path.is_file() else "no such file"
        if found != self._source:
            raise OutputError(
                f"{path}: expected features of {self._source}, found {found[:300]}; give the options of the earlier "
                "run, or --overwrite"
            )

    def append(self, paths, rows, ids=None):
        """Write float ``rows`` (n, D), those of ``paths``; files have no place for ``ids``.

        Raises:
            FeatureError: rows that are not finite.
        """
        for path, row in zip(paths, rows):
            file = self._root / (path + self._ending)
            content = feature_content(file, row)
            if not (self._resume and file.is_file() and file.read_bytes() == content):
                write_quickly(file, content)
            self.paths.append(path)

    def __exit__(self, *_):
        """Nothing is left to do: every file is whole."""


def write_features(writer, paths, read, *, ids=None):
    """Write the features of all ``paths``, from where an earlier run stopped, with a progress bar.

    Args:
        writer: `FileWriter` or `StoreWriter`, not entered.
        paths: list of str.
        read: function of (start, stop) that gives rows, float (stop - start, D), in the order of ``paths``.
        ids: list of str, the persons, or None.

    Raises:
        OutputError: as the writer; or the store was begun with other paths.
        FeatureError: as ``read`` and the writer.
    """
    with writer:
        done = len(writer.paths)
        if writer.paths != paths[:done]:
            raise OutputError(
                f"expected to continue a store whose first {done} paths are those of this list, found others; "
                "give the list of the earlier run, or --overwrite"
            )
        with tqdm(total=len(paths), initial=done, unit="image", disable=None) as progress:
            for start in range(done, len(paths), _BLOCK):
                stop = min(start + _BLOCK, len(paths))
                writer.append(paths[start:stop], read(start, stop), ids and ids[start:stop])
                progress.update(stop - start)
