"""The figures of a run without the devkit's steps of one per cent, as the content of ``exact_*.json``."""

from dataclasses import asdict

import numpy as np

from insightrec.megaface.identification_curves import rank_rates

STEP = 0.01
NOTES = {
    "identification": "For r = 1 to 100: of the ordered pairs of images of one person (probe, mate), those of which "
    "fewer than r distractors score higher than the mate. rate[0] is the rank-1 accuracy that the devkit prints.",
    "verification": "A pair is accepted if its score is above the threshold; the threshold is the lowest that keeps "
    "the false accept rate. Positives are the unordered pairs of one person. resolvable is false where one false "
    "accept is more than the rate; tar is then the rate without any. first_hundred_probes: negatives are the "
    "distractors of the first hundred probes of the list alone, as in the devkit's ROC (of FaceScrub they are three "
    "people). all_probes: the distractors of all probes.",
    "devkit_roc": "cmc_*.json keeps a point of the ROC only where the true accept rate has risen by more than 0.01. So "
    "it says of the rate at far_target that it lies between low, its last point up to there, and high. The devkit "
    "counts pairs that tie with a negative as accepted.",
    "traditional_cmc": "One gallery image of each person and the distractors, ten random galleries, as in the devkit; "
    "but each search is compared with its own distractors. (The devkit takes those of another probe, by a slip of an "
    "index; cmc_*.json repeats it.)",
}


def exact_figures(outcome, curves):
    """A dict of JSON types.

    Args:
        outcome: `ExperimentOutcome`.
        curves: its `devkit_curves`.
    """
    return {
        "distractors": outcome.distractors,
        "identification": {"pairs": len(outcome.ranks), **_found(outcome.ranks)},
        "verification": {
            "first_hundred_probes": [asdict(point) for point in outcome.first_hundred],
            "all_probes": [asdict(point) for point in outcome.all_probes],
        },
        "devkit_roc": [_bracket(curves["roc"], point.far_target) for point in outcome.first_hundred],
        "traditional_cmc": {"searches": len(outcome.own_ranks), **_found(outcome.own_ranks)},
        "notes": NOTES,
    }


def _found(ranks):
    rates = rank_rates(ranks)
    return {"found": np.rint(rates * len(ranks)).astype(int).tolist(), "rate": rates.tolist()}


def _bracket(roc, far):
    """What the devkit's ROC, [rates of false accepts, of true ones], says of the true accept rate at ``far``."""
    # the devkit's rates are float32, and that next to 1e-3 is above it
    last = int(np.searchsorted(roc[0], float(np.float32(far)), side="right")) - 1
    low = roc[1][last]
    return {"far_target": far, "low": low, "high": min(low + STEP, 1.0)}
