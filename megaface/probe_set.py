"""The probes of an identification run: their features, the pairs of one person, and the scores to beat."""

import numpy as np

from insightrec.megaface.devkit_score import score_pairs
from insightrec.megaface.score_tile import ScoreTile, prepare
from insightrec.megaface.traditional_galleries import Placings, draw_galleries, images_ahead
from insightrec.recordio_tools.errors import InputError

ROC_PROBES = 100  # the devkit takes the negatives of its ROC from the first hundred probes of the list alone
_ROWS = 512  # probes scored against the galleries at a time


class ProbeSet:
    """N probes, and all that is known before the first distractor. Computed once; picklable.

    scorable: `Scorable` features.
    subjects: list of int arrays, the images of each person in list order; people in byte order of their ids.
    subject_of: int (N,), the place of each image's person there.
    first, second: int (P,), the ordered pairs of different images of one person, by first and then by second image.
    pair_scores: float32 (P,), their scores.
    positives, positive_counts: float32 (T,) ascending, the distinct scores of unordered pairs, and how many have each.
    placings: `Placings`, S searches of the traditional CMC. placing_scores: float32 (S,), the scores of their mates.
    thresholds: float32, for all probes one after the other the distinct scores that are compared with their
    distractors: those of probe i are thresholds[offsets[i]:offsets[i + 1]], ascending.
    pair_threshold, placing_threshold: int (P,) and (S,), where in ``thresholds`` the score of each pair and search is.
    own_placing_threshold: int (S,), where that of a search is among the searcher's, without the devkit's slip.

    Args:
        values: float32 (N, d) features.
        ids: list of N strings.
        product: the matrix product, see `BlockCounts.add`. exact: whether near ties are computed the devkit's way.

    Raises:
        FeatureError: a feature that cannot be scored.
        InputError: not one id for each feature, or no person with two images.
    """

    def __init__(self, values, ids, *, product=np.matmul, exact=True):
        if len(values) != len(ids):
            raise InputError(f"expected an id for each of {len(values)} probes, found {len(ids)}; check the probe list")
        self.scorable = prepare(values, "probes")
        self.subjects = _subjects(ids)
        self._pair()
        self._place(product, exact)
        self._collect_thresholds()

    def __len__(self):
        return len(self.subject_of)

    @property
    def roc_probes(self):
        """How many probes, the first of the list, give the negatives of the devkit's ROC."""
        return min(len(self), ROC_PROBES)

    def pairs_of(self, probe):
        """The slice of the ordered pairs whose first image this is."""
        return slice(self._pair_start[probe], self._pair_start[probe + 1])

    def _pair(self):
        count = sum(map(len, self.subjects))
        self.subject_of, self._place_in_subject = np.empty(count, np.intp), np.empty(count, np.intp)
        for subject, images in enumerate(self.subjects):
            self.subject_of[images], self._place_in_subject[images] = subject, np.arange(len(images))
        mates = np.array([len(self.subjects[subject]) - 1 for subject in self.subject_of])
        if not mates.any():
            raise InputError(
                f"expected a person with two images or more, found {count} ids that all differ; check the probe list"
            )
        self._pair_start = np.concatenate([[0], np.cumsum(mates)])
        self.first = np.repeat(np.arange(count), mates)
        others = [_others(images) for images in self.subjects]
        self.second = np.concatenate([others[s][p] for s, p in zip(self.subject_of, self._place_in_subject)])
        forward = np.flatnonzero(self.first < self.second)
        features = self.scorable.features
        scores = score_pairs(features, features, self.first[forward], self.second[forward])
        self.pair_scores = np.empty(len(self.first), np.float32)
        self.pair_scores[forward] = scores
        self.pair_scores[self.pair_index(self.second[forward], self.first[forward])] = scores  # it is symmetric
        self.positives, self.positive_counts = np.unique(scores, return_counts=True)

    def pair_index(self, first, second):
        """Where the ordered pairs of these images, different ones of one person, are: int (n,)."""
        place = self._place_in_subject[second]
        return self._pair_start[first] + place - (place > self._place_in_subject[first])

    def _place(self, product, exact):
        trials = list(draw_galleries(self.subjects))
        images = np.unique(np.concatenate([gallery for gallery, _ in trials]))
        columns = [np.searchsorted(images, gallery) for gallery, _ in trials]
        position = np.concatenate([np.arange(len(probes)) for _, probes in trials])
        probe = np.concatenate([probes for _, probes in trials])
        mate = np.concatenate([gallery[self.subject_of[probes]] for gallery, probes in trials])
        ahead = [np.zeros(len(probes), np.intp) for _, probes in trials]
        self.placing_scores = self.pair_scores[self.pair_index(probe, mate)]
        trial_scores = np.split(self.placing_scores, len(trials))
        for start in range(0, len(self), _ROWS):
            searching = self.scorable.rows(slice(start, start + _ROWS))
            tile = ScoreTile(searching, self.scorable.rows(images), product=product, exact=exact)
            for trial, (_, probes) in enumerate(trials):
                here = np.flatnonzero((probes >= start) & (probes < start + _ROWS))
                rows, own = probes[here] - start, self.subject_of[probes[here]]
                ahead[trial][here] = images_ahead(tile, columns[trial], rows, own, trial_scores[trial][here])
        self.placings = Placings(position, probe, mate, np.concatenate(ahead))

    def _collect_thresholds(self):
        """Thresholds of each probe: its mates' scores, and those of searches of the traditional CMC.

        By a slip the devkit compares the search at position p of a trial with the distractors of probe p of the list,
        whoever searches.
        """
        rows = np.concatenate([self.first, self.placings.position])
        scores = np.concatenate([self.pair_scores, self.placing_scores])
        order = np.lexsort((scores, rows))
        new = np.ones(len(order), bool)
        new[1:] = (np.diff(rows[order]) != 0) | (np.diff(scores[order]) != 0)
        index = np.empty(len(order), np.intp)
        index[order] = np.cumsum(new) - 1
        self.thresholds = scores[order][new]
        self.offsets = np.searchsorted(rows[order][new], np.arange(len(self) + 1))
        pairs = len(self.first)
        self.pair_threshold, self.placing_threshold = index[:pairs], index[pairs:]
        # a search's score is also that of a pair, whose first image searches
        self.own_placing_threshold = self.pair_threshold[self.pair_index(self.placings.probe, self.placings.mate)]


def _others(images):
    """For each of m images the other ones, in order: (m, m - 1)."""
    places = np.arange(len(images) - 1)
    return images[places + (places >= np.arange(len(images))[:, None])]


def _subjects(ids):
    """The images of each person, people in byte order of their ids."""
    images = {}
    for image, identity in enumerate(ids):
        images.setdefault(identity.encode("utf-8", "surrogatepass"), []).append(image)
    return [np.array(images[name]) for name in sorted(images)]
