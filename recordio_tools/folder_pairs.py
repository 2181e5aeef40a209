"""Pairs to verify from a folder of identity folders, for faces that come without a published list."""

import os
from itertools import combinations

import numpy as np

from insightrec.recordio_tools.errors import ListError
from insightrec.recordio_tools.face_folders import read_folders
from insightrec.recordio_tools.pair_list import FOLDS, Pair


def identity_folders(root):
    """The images of each identity below ``root``: dict of name -> list of paths relative to it, both sorted.

    Raises:
        ListError: there are none.
    """
    folders = {}
    for row in read_folders(root)[0]:
        folders.setdefault(row.path.partition("/")[0], []).append(row.path)
    return folders


def choose_people(folders, count, seed):
    """``count`` of the identities, drawn at random: a part of ``folders``.

    Raises:
        ListError: there are fewer.
    """
    if count > len(folders):
        raise ListError(f"--people {count}: expected at most {len(folders)}, the identities that there are")
    chosen = np.random.default_rng(seed).choice(len(folders), count, replace=False)
    names = list(folders)
    return {names[place]: folders[names[place]] for place in sorted(chosen.tolist())}


def draw_folder_pairs(folders, pairs_per_fold, seed, source):
    """Draw pairs for `FOLDS` folds: none twice, as many of one person as of two, the people of a fold in no other.

    Args:
        folders: as of `identity_folders`.
        pairs_per_fold: pairs of one person in each fold, and as many of two persons.
        seed: of the draw.
        source: what to call the folder in an error.

    Returns:
        list of `Pair`, fold after fold, those of one person first.

    Raises:
        ListError: there are not so many pairs in some fold.
    """
    rng = np.random.default_rng(seed)
    names = list(folders)
    rng.shuffle(names)
    drawn = []
    for fold in range(FOLDS):
        people = [folders[name] for name in names[fold::FOLDS]]
        same = [pair for images in people for pair in combinations(images, 2)]
        sizes = [len(first) * len(second) for first, second in combinations(people, 2)]
        most = min(len(same), sum(sizes))
        if pairs_per_fold > most:
            raise ListError(
                f"{source}: expected {pairs_per_fold} pairs of one person and of two in every fold, found {most} of a "
                f"kind in fold {fold + 1} of {FOLDS} with its {len(people)} of {len(names)} identities; lower "
                "--pairs-per-fold, or add identities or images"
            )
        couples, ends = list(combinations(people, 2)), np.cumsum(sizes)
        different = []
        for place in sorted(rng.choice(sum(sizes), pairs_per_fold, replace=False).tolist()):
            couple = int(np.searchsorted(ends, place, side="right"))
            first, second = couples[couple]
            within = place - (ends[couple] - sizes[couple])
            different.append((first[within // len(second)], second[within % len(second)]))
        chosen = [same[place] for place in sorted(rng.choice(len(same), pairs_per_fold, replace=False).tolist())]
        drawn += [Pair(*paths, True, fold) for paths in chosen] + [Pair(*paths, False, fold) for paths in different]
    return drawn


def format_people(folders, root):
    """The list that ``face2rec.py --exclude`` takes: a comment and a name a line, as bytes.

    Raises:
        ListError: a name with a tab, which the format cannot carry.
    """
    for name in folders:
        if "\t" in name or "\n" in name or "\r" in name or name.startswith("#"):
            raise ListError(f"{root}: {name!r} cannot stand in a list of identities; rename the folder")
    return os.fsencode("\n".join([f"# the identities of the verification pack made from {root}", *folders, ""]))
