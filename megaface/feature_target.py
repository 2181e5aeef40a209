"""Where a run puts features: one file an image in the devkit's layout, or a packed store.

Beside them lies ``..._origin.json``, which says what they are made from: a run continues another one only of the same
origin, since features of two models would be compared with each other and nothing would tell.
"""

import os

from tqdm import tqdm

from insightrec.megaface.feature_file import is_feature
from insightrec.megaface.feature_source import THREADS
from insightrec.megaface.feature_writer import FileWriter
from insightrec.megaface.packed_store import StoreWriter, store_files
from insightrec.recordio_tools.atomic_file import atomic_write
from insightrec.recordio_tools.errors import OutputError
from insightrec.recordio_tools.ordered_pool import ordered_map


class FileTarget:
    """Feature files ``<output>/<name>/<path>_<algo>.bin``.

    Args:
        output: folder, pathlib.Path.
        name: of the set of images, such as ``"facescrub"``.
        algo: of the method; several can share a folder.
        listed: the paths, a collection of str.
        dimension: D.

    Attributes:
        origin_path: pathlib.Path.
    """

    def __init__(self, output, name, algo, listed, dimension):
        self.origin_path = output / f"{name}_{algo}_origin.json"
        self._folder = os.path.join(output, name)
        self._ending = f"_{algo}.bin"
        self._listed = listed
        self._dimension = dimension

    def __str__(self):
        return f"{self._folder}, files *{self._ending}"

    def existing(self):
        """Yield the feature files that are there, of images in the list or not."""
        for folder, _, names in os.walk(self._folder):
            for name in names:
                # The rest ends in the image's suffix; with "_" in it the file is of a longer algo, a.png_x_ALGO.bin.
                image = name[: -len(self._ending)]
                if name.endswith(self._ending) and "_" not in os.path.splitext(image)[1]:
                    yield os.path.join(folder, name)

    def open(self):
        """A `FileWriter` whose ``paths`` are those that have a whole file of finite numbers. Files are read for it.

        A machine that stopped may have left files cut short, or of the right size and full of zeros or worse, which
        run_experiment refuses.
        """
        writer = FileWriter(self._folder, self._ending, overwrite=True)
        if os.path.isdir(self._folder):
            whole = ordered_map(self._is_whole, self._listed, THREADS)
            found = tqdm(zip(self._listed, whole), total=len(self._listed), desc="check", unit="file", disable=None)
            writer.paths += [path for path, is_whole in found if is_whole]
        return writer

    def _is_whole(self, path):
        return is_feature(os.path.join(self._folder, path + self._ending), self._dimension)


class StoreTarget:
    """The packed store ``<output>/<name>``; arguments and `origin_path` as of `FileTarget`."""

    def __init__(self, output, name, dimension):
        self.origin_path = output / f"{name}_origin.json"
        self._store = output / name
        self._dimension = dimension

    def __str__(self):
        return " and ".join(map(str, store_files(self._store)))

    def existing(self):
        """Yield the files of the store, whole or begun, that are there."""
        matrix, listing = store_files(self._store)  # the list first: without it there is no store
        return filter(os.path.lexists, [f"{path}{part}" for path in (listing, matrix) for part in ("", ".part")])

    def open(self):
        """The `StoreWriter` that begins or continues the store; on entering it raises `FeatureError`, `OutputError`."""
        return StoreWriter(self._store, self._dimension, resume=True)


def prepare_target(target, origin, *, resume=False, overwrite=False):
    """Make ``target`` ready for features of ``origin``: nothing is there, or what is there has that origin.

    Args:
        target: `FileTarget` or `StoreTarget`.
        origin: bytes.
        resume: keep what an earlier run made.
        overwrite: remove it.

    Raises:
        OutputError: there are features, and neither is given, or with ``resume`` they are of another origin.
    """
    path = target.origin_path
    there = next(target.existing(), None)
    if there is not None and not overwrite:
        if not resume:
            raise OutputError(f"{there}: exists already; give --resume to keep what is there, or --overwrite")
        found = path.read_bytes() if path.is_file() else None
        if found != origin:
            raise OutputError(
                f"{path}: expected the models, --image-size and --batch-size of this run, found "
                f"{'others' if found else 'no such file'}, and {there} may be theirs; give those of that run, another "
                "--output, or --overwrite"
            )
        return
    path.unlink(missing_ok=True)  # first: what a run that is killed here leaves has no origin, and none continues it
    for file in list(target.existing()):
        os.unlink(file)
    with atomic_write(path) as file:
        file.write(origin)
