"""True accept rate at exact false accept rates, over all pairs together."""

from dataclasses import dataclass

import numpy as np

from insightrec.eval.pair_distance import check_pairs
from insightrec.eval.roc_curve import split_sorted
from insightrec.recordio_tools.errors import InputError

FAR_TARGETS = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5)


@dataclass(frozen=True)
class TarAtFar:
    """One operating point; ``false_accepts / negatives`` <= ``far_target``.

    ``resolvable`` is false when one false accept among so few negatives is already above the target: the
    rate is then that of zero false accepts and says nothing about ``far_target`` itself.
    """

    far_target: float
    tar: float
    threshold: float
    false_accepts: int
    negatives: int
    true_accepts: int
    positives: int
    resolvable: bool


def tar_at_far(distance, is_same, far_targets=FAR_TARGETS):
    """The largest threshold whose false accept rate does not exceed each target, and the true accepts there.

    A pair is accepted if distance < threshold. If k false accepts are allowed, that threshold is the
    (k + 1)-th smallest distance of the negatives: anything larger accepts k + 1 of them. Negatives tied
    with it are rejected, so there may be fewer than k false accepts; so are positives tied with it.

    Args:
        distance: (P,) float.
        is_same: (P,) bool.
        far_targets: rates, 0 < far < 1.

    Returns:
        A list of `TarAtFar`, in the order of ``far_targets``.

    Raises:
        InputError: lengths differ, a distance that is not finite, only one kind of pair, or a target outside (0, 1).
    """
    distance, is_same = check_pairs(distance, is_same)
    positive, negative = split_sorted(distance, is_same)
    # k / N is rounded to the nearest double, as a literal such as 0.001 is: 3 of 3000 is exactly 1e-3
    reachable = np.arange(len(negative) + 1) / len(negative)
    points = []
    for far in far_targets:
        if not 0 < far < 1:
            raise InputError(f"expected a false accept rate between 0 and 1, found {far}")
        allowed = np.searchsorted(reachable, far, side="right") - 1
        threshold = negative[allowed]
        true_accepts = int(np.searchsorted(positive, threshold, side="left"))
        points.append(
            TarAtFar(
                far_target=far,
                tar=true_accepts / len(positive),
                threshold=float(threshold),
                false_accepts=int(np.searchsorted(negative, threshold, side="left")),
                negatives=len(negative),
                true_accepts=true_accepts,
                positives=len(positive),
                resolvable=bool(reachable[1] <= far),
            )
        )
    return points
