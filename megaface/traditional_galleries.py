"""The random galleries of the devkit's traditional CMC: one image of each person, ten times."""

from typing import NamedTuple

import numpy as np

from insightrec.megaface.score_tile import rounded_down, rounded_up

TRIALS = 10
_MODULUS = 2147483647  # minstd_rand0 of the C++ standard library, seeded with 1
_MULTIPLIER = 16807


class Placings(NamedTuple):
    """The searches of all trials together, S of them; trial by trial, in the devkit's order.

    position: int (S,), the place of the search in its trial. probe, mate: int (S,), images: who searches, and the image
    of the same person in the gallery. ahead: int (S,), images of other people in the gallery that rank before the mate.
    """

    position: np.ndarray
    probe: np.ndarray
    mate: np.ndarray
    ahead: np.ndarray


class MinimalStandard:
    """minstd_rand0 with libstdc++'s way to draw a number below a limit."""

    def __init__(self):
        self._state = 1

    def draw(self, count):
        """A number of 0 to count - 1; moves on even if there is only one."""
        span = (_MODULUS - 2) // count
        while True:
            self._state = self._state * _MULTIPLIER % _MODULUS
            result = (self._state - 1) // span
            if result < count:
                return result


def draw_galleries(subjects):
    """Yield (gallery, probes) of each trial: int (subjects,), an image of each, and int (P,), all their other images.

    subjects: for each person, in the devkit's order, the image numbers.
    """
    random = MinimalStandard()
    for _ in range(TRIALS):
        chosen = [random.draw(len(images)) for images in subjects]
        gallery = np.array([images[draw] for images, draw in zip(subjects, chosen)])
        yield gallery, np.concatenate([np.delete(images, draw) for images, draw in zip(subjects, chosen)])


def images_ahead(tile, gallery, probes, own, scores):
    """How many of the gallery each probe finds before its mate: by score, ties won by the later image in the list.

    Args:
        tile: `ScoreTile` whose rows are the probes' (``probes`` are rows) and whose columns include the gallery's.
        gallery: (S,) the gallery's columns, which stand in list order.
        probes: (P,) rows.
        own: (P,) the place of each probe's mate in the gallery.
        scores: (P,) float32, the devkit's scores of probes and mates.

    Returns:
        int (P,).
    """
    approximate = tile.scores[np.ix_(probes, gallery)]
    approximate[np.arange(len(probes)), own] = -np.inf  # the mate itself
    upper = rounded_up(scores + tile.bound[probes])[:, None]
    lower = rounded_down(scores - tile.bound[probes])[:, None]
    ahead = np.count_nonzero(approximate > upper, axis=1)
    probe, place = np.nonzero((approximate <= upper) & (approximate >= lower))
    exact = tile.exact_pairs(probes[probe], gallery[place])
    wins = (exact > scores[probe]) | ((exact == scores[probe]) & (gallery[place] > gallery[own[probe]]))
    return ahead + np.bincount(probe[wins], minlength=len(probes))
