"""What the crops of an identity folder are called."""

import collections
import os


def crop_names(photos, encoding):
    """The name of each photo's crop: its stem and ``encoding``.

    Where that would be the name of two crops, the photos keep their whole names: ``a.jpg`` and ``a.png`` become
    ``a.jpg.jpg`` and ``a.png.jpg``.

    Args:
        photos: distinct file names of one folder.
        encoding: ``".jpg"`` or ``".png"``.

    Returns:
        list of distinct names, in the order of ``photos``.
    """
    names = [os.path.splitext(photo)[0] + encoding for photo in photos]
    while len(set(names)) < len(names):  # more than once where a whole name is another photo's stem
        count = collections.Counter(names)
        names = [photo + encoding if count[name] > 1 else name for photo, name in zip(photos, names)]
    return names
