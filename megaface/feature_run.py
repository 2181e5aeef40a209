"""Features of all images of a list, batch by batch, continued where an earlier run stopped."""

import contextlib
import itertools
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from insightrec.recordio_tools.crop_size import scale_to_size
from insightrec.recordio_tools.errors import ImageError, InputError
from insightrec.recordio_tools.image_file import read_image
from insightrec.recordio_tools.ordered_pool import ordered_map

_HOPELESS = 1000  # images, none of which can be read, after which a run stops: something else is wrong than images


class FeatureRun(NamedTuple):
    """What a run did: counts of features, dict path -> `ImageError` of the images without one, and how many images of
    another size were scaled to the models' input."""

    computed: int
    there_before: int
    unreadable: dict
    scaled: int = 0


def run_features(models, images, writer, *, name, batch_size, threads):
    """Compute the features that ``writer`` does not have yet, and append them in the order of the list.

    Batch k is images k * batch_size to before (k + 1) * batch_size of the list, whatever is there already or cannot be
    read: how numbers round depends on the size of a batch, and a run that was killed and continued is to give the same
    bytes as one in one go. Memory is some batches of images.

    Args:
        models: `JoinedModels`.
        images: dict path -> file of the image. The feature is stored by the path.
        writer: has ``paths``, list of str, and ``append(paths, rows)``.
        name: of the set, for the progress bar.
        batch_size: images a forward pass.
        threads: that read and decode.

    Returns:
        `FeatureRun`.

    Raises:
        InputError: none of the first 1000 images can be read, or none of a shorter list.
        ModelError: the feature of an image is not finite, or zero; it names the image.
    """
    listed = list(images)
    there = images.keys() & writer.paths
    batches = [listed[start : start + batch_size] for start in range(0, len(listed), batch_size)]
    batches = [batch for batch in batches if not there.issuperset(batch)]

    def read(path):
        try:
            _, image = read_image(images[path])
            face = scale_to_size(image, models.image_size, images[path])
        except ImageError as error:
            return error
        if face is not image:
            scaled.append(path)
        return face

    unreadable, scaled, some = {}, [], bool(there)
    decoded = ordered_map(read, itertools.chain.from_iterable(batches), threads)
    progress = tqdm(total=len(listed), initial=len(there), desc=name, unit="image", disable=None)
    with progress, contextlib.closing(decoded):
        for batch in batches:
            found = list(itertools.islice(decoded, len(batch)))
            wanted = [row for row, path in enumerate(batch) if path not in there]
            unreadable.update((batch[row], found[row]) for row in wanted if isinstance(found[row], ImageError))
            rows = [row for row in wanted if batch[row] not in unreadable]
            some = some or bool(rows)
            if not some and len(unreadable) >= min(_HOPELESS, len(listed)):
                raise InputError(
                    f"expected images of {name}, found none among the first {len(unreadable)} that can be read: "
                    f"{next(iter(unreadable.values()))}; check --{name}-root and --{name}-lst"
                )
            if rows:
                features = models.features(_filled(found), [images[path] for path in batch])
                writer.append([batch[row] for row in rows], features[rows])
            progress.update(len(wanted))
    return FeatureRun(len(listed) - len(there) - len(unreadable), len(there), unreadable, len(scaled))


def _filled(found):
    """uint8 (B, H, W, 3) of images, one of them again in place of each that is an error."""
    image = next(image for image in found if not isinstance(image, ImageError))
    return np.stack([image if isinstance(other, ImageError) else other for other in found])
