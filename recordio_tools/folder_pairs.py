"""Pairs to verify from a folder of identity folders, for faces that come without a published list."""

import itertools
import math
import os

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
    for row in read_folders(root).rows:
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

    The people of a fold come in turn, and of a person a pair of images is drawn, so that somebody of whom there are
    many images weighs no more than the others, as long as those have pairs left.

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
        most = min(_most_same(people), _most_different(people))
        if pairs_per_fold > most:
            raise ListError(
                f"{source}: expected {pairs_per_fold} pairs of one person and of two in every fold, found {most} of a "
                f"kind in fold {fold + 1} of {FOLDS} with its {len(people)} of {len(names)} identities; lower "
                f"--pairs-per-fold, or add images or identities (at least {2 * FOLDS})"
            )
        for is_same, draw in ((True, _draw_same), (False, _draw_different)):
            drawn += [Pair(*paths, is_same, fold) for paths in sorted(draw(people, pairs_per_fold, rng))]
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


def _most_same(people):
    return sum(len(images) * (len(images) - 1) // 2 for images in people)


def _most_different(people):
    sizes = [len(images) for images in people]
    return (sum(sizes) ** 2 - sum(size**2 for size in sizes)) // 2


def _draw_same(people, count, rng):
    """``count`` pairs of two images of one person, as many of everybody as of the others, where they have so many."""
    pairs_of = np.array([len(images) * (len(images) - 1) // 2 for images in people])
    order = rng.permutation(len(people))
    drawn = []
    for person, share in zip(order, _even_shares(pairs_of[order], count)):
        for place in rng.choice(pairs_of[person], share, replace=False).tolist():
            # Pair 0 is images (0, 1), 1 and 2 are (0, 2) and (1, 2), and so on.
            second = (1 + math.isqrt(8 * place + 1)) // 2
            first = place - second * (second - 1) // 2
            drawn.append((people[person][first], people[person][second]))
    return drawn


def _even_shares(limits, count):
    """``count`` dealt out one by one to all who have not reached their limit: list of int."""
    shares = np.zeros(len(limits), np.int64)
    while count:
        open_places = np.flatnonzero(shares < limits)[:count]
        shares[open_places] += 1
        count -= len(open_places)
    return shares.tolist()


def _draw_different(people, count, rng):
    """``count`` pairs of images of two persons; the people come in turn, with others drawn at random."""
    if 4 * count > _most_different(people):  # nearly all: drawing until one is new would take long
        couples = itertools.combinations(people, 2)
        pairs = [pair for couple in couples for pair in itertools.product(*couple)]
        return [pairs[place] for place in rng.choice(len(pairs), count, replace=False).tolist()]
    drawn, order = set(), rng.permutation(len(people)).tolist()
    for person in itertools.islice(itertools.cycle(order), count):
        pair = None
        while pair is None or pair in drawn:
            other = (person + rng.integers(1, len(people))) % len(people)
            pair = tuple(str(rng.choice(people[place])) for place in sorted((person, other)))
        drawn.add(pair)
    return sorted(drawn)
