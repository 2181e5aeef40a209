"""What the counts of one size say: ranks, accept rates, and the devkit's curves."""

from typing import NamedTuple

import numpy as np

from insightrec.megaface.false_accepts import exact_scorer, tar_at_far
from insightrec.megaface.identification_curves import cmc_curve, roc_curve, traditional_curve


class ExperimentOutcome(NamedTuple):
    """Figures of N probes and n distractors.

    distractors: n. ranks: int (P,), of the probe set's ordered pairs. traditional_ranks, own_ranks: int (S,), of the
    searches of the traditional CMC, by the distractors that the devkit looks at and by the searcher's own.
    positives, negatives_above: int (T,), for each distinct score of unordered pairs, ascending, how many have it and
    how many scores of the first hundred probes are above it. negatives: of the first hundred probes.
    first_hundred, all_probes: list of `TarAtFar`, against the negatives of the first hundred probes and of all.
    """

    distractors: int
    subjects: int
    ranks: np.ndarray
    traditional_ranks: np.ndarray
    own_ranks: np.ndarray
    positives: np.ndarray
    negatives_above: np.ndarray
    negatives: int
    first_hundred: list
    all_probes: list


def experiment_outcome(probe_set, counts, source):
    """`ExperimentOutcome` of complete `BlockCounts`; ``source`` gives the few distractors that are looked at again."""
    ahead = probe_set.placings.ahead
    negatives = probe_set.roc_probes * counts.distractors
    exact_scores = exact_scorer(probe_set, source)
    return ExperimentOutcome(
        distractors=counts.distractors,
        subjects=len(probe_set.subjects),
        ranks=counts.beaten_by(probe_set, probe_set.pair_threshold),
        traditional_ranks=ahead + counts.beaten_by(probe_set, probe_set.placing_threshold),
        own_ranks=ahead + counts.beaten_by(probe_set, probe_set.own_placing_threshold),
        positives=probe_set.positive_counts,
        negatives_above=counts.negatives_above_positives(),
        negatives=negatives,
        first_hundred=tar_at_far(probe_set, counts.roc_largest, negatives, exact_scores),
        all_probes=tar_at_far(probe_set, counts.largest, len(probe_set) * counts.distractors, exact_scores),
    )


def devkit_curves(outcome):
    """The content of the devkit's ``cmc_*.json``."""
    return {
        "cmc": cmc_curve(outcome.ranks, outcome.distractors),
        "roc": roc_curve(outcome.negatives_above, outcome.positives, outcome.negatives),
        "traditional_cmc": traditional_curve(outcome.traditional_ranks, outcome.distractors, outcome.subjects),
    }
