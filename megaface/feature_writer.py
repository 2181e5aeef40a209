"""Writing the features of a list block by block, as files or (`packed_store.StoreWriter`) as a packed store."""

from pathlib import Path

from tqdm import tqdm

from insightrec.megaface.feature_file import feature_content
from insightrec.recordio_tools.atomic_file import write_quickly
from insightrec.recordio_tools.errors import OutputError

_BLOCK = 4096  # rows; 8 MB of 512 numbers


class FileWriter:
    """A context manager that writes feature files ``<root>/<path><file_ending>``, used as a `StoreWriter`.

    Args:
        root: the folder.
        file_ending: what is added to a path, such as ``_model.bin``.
        resume: the folder may have files; those that are as they would be written stay.
        overwrite: the folder may have files; those of the same names are replaced.

    Raises (on entering):
        OutputError: the folder is not empty, and neither ``resume`` nor ``overwrite`` is given.
    """

    def __init__(self, root, file_ending, *, resume=False, overwrite=False):
        self.paths = []  # files are looked at one by one, when their turn comes
        self._root = Path(root)
        self._ending = file_ending
        self._resume = resume
        self._overwrite = overwrite

    def __enter__(self):
        if not (self._resume or self._overwrite) and self._root.is_dir() and any(self._root.iterdir()):
            raise OutputError(
                f"{self._root}: expected an empty or new folder; choose another, or --resume an earlier run"
            )
        return self

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
