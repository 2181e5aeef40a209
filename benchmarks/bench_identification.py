"""The MegaFace identification job with the devkit's exact results, against all scores computed exactly in NumPy, and
against the bare matrix products.

3,530 probes and 10,000 distractors of 512-d; the real lists if --lists is given, else as many images of as many people.
In "clustered" the images of a person are alike, as a trained network's features are, and the distractors are people
too; in "random" all are unrelated: every mate hides among the distractors, and the bound decides least.
Ours is the whole job from features: ranks, top five, ROC, traditional CMC, accept rates of all probes. The others are
scores alone. Run it with one thread: OMP_NUM_THREADS=1.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from side_by_side import compare

from insightrec.megaface.block_counts import BlockCounts
from insightrec.megaface.devkit_score import scorable, score_matrix
from insightrec.megaface.false_accepts import exact_scorer, tar_at_far
from insightrec.megaface.identification_curves import cmc_curve, roc_curve, traditional_curve
from insightrec.megaface.match_table import match_table
from insightrec.megaface.probe_set import ProbeSet

PROBES, PEOPLE, DISTRACTORS, DIMENSION = 3530, 80, 10_000, 512
NOISE = 2  # of an image beside its person, whose features have 1: cosines of 0.2 between images of one person


class Rows:
    """Distractors in memory, as a source of features."""

    def __init__(self, values):
        self._values = values

    def take(self, indices):
        return self._values[indices]


def unit(values):
    return (values / np.linalg.norm(values, axis=1, keepdims=True)).astype(np.float32)


def features(ids, distractors, clustered):
    """(probes, distractors), seeded."""
    random = np.random.default_rng(0)
    _, person = np.unique(ids, return_inverse=True)
    strangers = random.integers(0, distractors // 4, distractors)
    sides = []
    for people in (person, strangers):
        images = random.standard_normal((len(people), DIMENSION))
        if clustered:
            images = NOISE * images + random.standard_normal((people.max() + 1, DIMENSION))[people]
        sides.append(unit(images))
    return sides


def identify(probes, ids, distractors):
    """The whole job."""
    count = len(distractors)
    probe_set = ProbeSet(probes, ids)
    counts = BlockCounts(probe_set, count)
    counts.add(probe_set, distractors, 0)
    ranks = counts.beaten_by(probe_set, probe_set.pair_threshold)
    searches = probe_set.placings.ahead + counts.beaten_by(probe_set, probe_set.placing_threshold)
    negatives = probe_set.roc_probes * count
    exact_scores = exact_scorer(probe_set, Rows(distractors))
    return (
        cmc_curve(ranks, count),
        roc_curve(counts.negatives_above_positives(), probe_set.positive_counts, negatives),
        traditional_curve(searches, count, len(probe_set.subjects)),
        match_table(probe_set, ranks, counts.top),
        tar_at_far(probe_set, counts.roc_largest, negatives, exact_scores),
        tar_at_far(probe_set, counts.largest, len(ids) * count, exact_scores),
    )


def exact_scores(probes, distractors):
    probes = scorable(probes)
    return score_matrix(probes, probes), score_matrix(probes, scorable(distractors))


def main():
    """Time both cases."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lists", type=Path, help="folder of the devkit's template lists (default: made-up ones)")
    args = parser.parse_args()
    ids, count = [str(place * PEOPLE // PROBES) for place in range(PROBES)], DISTRACTORS
    if args.lists:
        ids = json.loads((args.lists / "facescrub_features_list.json").read_bytes())["id"]
        count = len(json.loads((args.lists / "megaface_features_list.json_10000_1").read_bytes())["path"])
    for case in ("clustered", "random"):
        probes, distractors = features(ids, count, case == "clustered")

        def ours(probes=probes, distractors=distractors):
            return identify(probes, ids, distractors)

        def products(probes=probes, distractors=distractors):
            return probes @ probes.T, probes @ distractors.T

        def exact(probes=probes, distractors=distractors):
            return exact_scores(probes, distractors)

        figures = {"lists": "real" if args.lists else "made up", "rank1": f"{ours()[0][1][0]:.4f}"}
        compare("identification", case, ours, products, incumbent_name="bare products", **figures)
        compare("identification", case, ours, exact, incumbent_name="exact NumPy scores", runs=1, **figures)


if __name__ == "__main__":
    main()
