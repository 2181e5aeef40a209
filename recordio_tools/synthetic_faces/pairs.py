"""Pairs of drawn pictures to verify, and their list in the format of LFW's ``pairs.txt`` (`lfw_pairs`)."""

from itertools import combinations

import numpy as np

from insightrec.recordio_tools.errors import InputError


def person_name(person):
    """The folder name of a person: ``person_0007``."""
    return f"person_{person:04d}"


def draw_pairs(people, images, folds, pairs_per_fold, rng):
    """Pairs for verification, none of them twice, no picture with itself.

    Args:
        people: sequence of int; with at least two for each fold, no person is in more than one fold.
        images: pictures of each person.
        folds: number of folds.
        pairs_per_fold: pairs of one person in each fold, and as many of two persons.
        rng: `numpy.random.Generator`.

    Returns:
        a list of folds, each a list of ``(person, number, other_person, other_number)``, those of one person first.

    Raises:
        InputError: there are not so many pairs.
    """
    disjoint = len(people) >= 2 * folds
    groups = np.array_split(np.asarray(people), folds) if disjoint else [np.asarray(people)]
    drawn = []
    for group in groups:
        couples = list(combinations(group.tolist(), 2))
        picture_pairs = list(combinations(range(1, images + 1), 2))
        count = pairs_per_fold * folds // len(groups)
        available = min(len(group) * len(picture_pairs), len(couples) * images**2)
        if count > available:
            raise InputError(
                f"--pairs-per-fold {pairs_per_fold}: at most {available * len(groups) // folds} with {len(people)} "
                f"identities of {images} images in {folds} folds; lower it, or draw more images or identities"
            )
        same = rng.choice(len(group) * len(picture_pairs), count, replace=False)
        different = rng.choice(len(couples) * images**2, count, replace=False)
        for start in range(0, count, pairs_per_fold):
            fold = []
            for index in sorted(same[start : start + pairs_per_fold].tolist()):
                person, pair = divmod(index, len(picture_pairs))
                number, other_number = picture_pairs[pair]
                fold.append((int(group[person]), number, int(group[person]), other_number))
            for index in sorted(different[start : start + pairs_per_fold].tolist()):
                couple, pair = divmod(index, images**2)
                person, other = couples[couple]
                fold.append((person, pair // images + 1, other, pair % images + 1))
            drawn.append(fold)
    return drawn


def format_pairs(folds):
    """The text of LFW's ``pairs.txt`` for what `draw_pairs` returns.

    The first line is ``<folds> TAB <pairs of one person in each>``; then come, fold after fold, the lines
    ``<name> TAB <i> TAB <j>`` and ``<name> TAB <i> TAB <other name> TAB <j>``.
    """
    lines = [f"{len(folds)}\t{len(folds[0]) // 2}"]
    for person, number, other, other_number in (pair for fold in folds for pair in fold):
        names = [person_name(person), number, other_number]
        if other != person:
            names.insert(2, person_name(other))
        lines.append("\t".join(map(str, names)))
    return "\n".join(lines) + "\n"
