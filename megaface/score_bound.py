"""How far a score from a matrix product can be from the devkit's: a proven bound.

The dot product is taken in blocks of `BLOCK` dimensions: c_1, c_2, ... are float32 matrix products over one block
each, and C_m = float32(C_{m-1} + c_m). Write u = 2**-24, gamma(n) = n u / (1 - n u), sigma_k for the exact sum of the
first k products a_k b_k, |a| for a norm, d for the dimension, M for the number of blocks, and s_k for the devkit's
running sum, s_k = float32(s_{k-1} + float32(a_k b_k)).

1. The matrix product. Any order of summation, with or without fused multiply-add, puts at most BLOCK roundings on a
   product a_k b_k inside its block and M - 1 after it, so (Higham, Accuracy and Stability of Numerical Algorithms,
   section 3.1)  |C_m - sigma_(end of block m)| <= gamma(BLOCK + M - 1) |a| |b|.
2. The devkit's sum. A rounding to float32 errs by at most u times its result (and times its argument), so
       |s_d - sigma_d| <= u sum_k |a_k b_k| + u sum_k |s_k|,
   where sum_k |a_k b_k| <= |a| |b| and |s_k| <= |sigma_k| + gamma(d) |a| |b|. For k inside block m + 1,
   |sigma_k| <= |sigma_(end of block m)| + |a'| |b'| with a', b' the parts of a and b from the start of the block to k.
   Summed over the block, by Cauchy-Schwarz, the last term is at most p(a) p(b) with
       p(v)**2 = sum over k in the block of |v'_k|**2 = sum_j (block length - j) v_j**2,  j = 0, 1, ... in the block,
   and the first is the block's length times |C_m| + gamma(BLOCK + M - 1) |a| |b|: the products themselves say how large
   the running sums are, which for faces of two people is far below |a| |b|.
3. Underflow. Where subnormal numbers are flushed to zero (or not), a product or sum loses at most 2**-126, and an
   entry that counts as zero loses at most 2**-126 times its partner: in all at most
   2**-126 (4 d + sqrt(d) (|a| + |b|)), which covers the rounding of subnormal products (2**-150 each) as well.
4. The score. Doubling is exact and the norms' sum is the same number on both sides, at most |a|**2 + |b|**2 but for a
   few u. So with E the sum of 1, 2 and 3 the scores differ by at most 2 E, and one rounding each: u times at most
   (|a| + |b|)**2, but for one per cent, which `MAX_DIMENSION` makes safe.

The bound is computed in float64; fewer than 2**16 roundings of relative size 2**-53 go into any term, all terms are
positive, and the factor 1 + 2**-30 at the end is more than they can take away.

Assumed of the matrix product: each entry is a sum of the float32 products a_k b_k, in any order and grouping, in
float32 or better. Strassen's method and the reduced precisions of accelerators (TF32, bfloat16) are not that.
"""

from typing import NamedTuple

import numpy as np

BLOCK = 256  # dimensions of one matrix product: nearly as fast as a single one, with half its bound at 512-d
_UNIT = 2.0**-24
_TINY = 2.0**-126
_OUTWARD = 1 + 2.0**-30
_ROWS = 256  # rows of float64 squares at a time


class BoundTerms(NamedTuple):
    """What the bound needs of features: norm float64 (n,), |v|; prefix float64 (n, M), p(v) of each block."""

    norm: np.ndarray
    prefix: np.ndarray

    def rows(self, which):
        """The terms of a slice or of indices."""
        return BoundTerms(self.norm[which], self.prefix[which])


def block_starts(dimension):
    """Where the blocks of dimensions start."""
    return range(0, dimension, BLOCK)


def bound_terms(values):
    """`BoundTerms` of float32 values (n, d)."""
    count, dimension = values.shape
    starts = block_starts(dimension)
    # one column of ones for the norm, and one column of falling weights for each block
    weights = np.zeros((dimension, 1 + len(starts)))
    weights[:, 0] = 1
    for column, start in enumerate(starts, 1):
        stop = min(start + BLOCK, dimension)
        weights[start:stop, column] = np.arange(stop - start, 0, -1)
    sums = np.empty((count, weights.shape[1]))
    for start in range(0, count, _ROWS):
        squares = values[start : start + _ROWS].astype(np.float64)
        squares *= squares
        np.matmul(squares, weights, out=sums[start : start + _ROWS])
    np.sqrt(sums, out=sums)
    return BoundTerms(sums[:, 0], sums[:, 1:])


def score_bound(probes, distractors, peaks, dimension):
    """For each probe, the bound on |score from the blocked product - devkit's score| over all the distractors.

    Args:
        probes: `BoundTerms` of n probes.
        distractors: `BoundTerms` of m distractors.
        peaks: (n, M - 1), the largest |C_m| of each probe over these distractors after each block but the last.
        dimension: d.

    Returns:
        float64 (n,).
    """
    norms = probes.norm * distractors.norm.max()
    starts = block_starts(dimension)
    product_error = _gamma(min(BLOCK, dimension) + len(starts) - 1) * norms
    running = probes.prefix @ distractors.prefix.max(axis=0) + dimension * _gamma(dimension) * norms
    for block, start in enumerate(starts[1:]):
        running += min(BLOCK, dimension - start) * (peaks[:, block] + product_error)
    sums = probes.norm + distractors.norm.max()
    underflow = _TINY * (4 * dimension + np.sqrt(dimension) * sums)
    error = product_error + _UNIT * (norms + running) + underflow
    return (2 * error + 2 * _UNIT * 1.01 * sums**2) * _OUTWARD


def _gamma(roundings):
    return roundings * _UNIT / (1 - roundings * _UNIT)
