"""Mining the triplets of a bag of 3,600 embeddings, 512-d, against the loops of InsightFace's trainer.

That trainer goes through the bag anchor by anchor for the distances (one array operation a row), then pair by
pair for the candidates. Its procedure is restated here four ways: distances by MXNet, as it does, or by NumPy;
candidates by NumPy, as it does, or one by one in Python; and, for what is left once the distances are a matrix
product, that product with NumPy's candidates pair by pair. All take the same draws and must find the same
triplets, so the embeddings are of 256 entries of one size: their distances are exact in float32.
"""

import os
import statistics
import time

import numpy as np
from side_by_side import record

from insightrec.deploy.mxnet_import import import_mxnet
from insightrec.train.triplet_miner import mine_triplets

IDENTITIES, IMAGES, SIZE, ALPHA = 720, 5, 512, 0.3
RUNS = 9
ENTRIES, CHANGED = 256, 140  # of an embedding that are not 0, and of those the ones that differ from its identity's


def embeddings():
    """float32 unit vectors (3600, 512), d_ap about 1.6 and d_an about 2: most pairs have candidates."""
    rng = np.random.default_rng(0)
    rows = np.zeros((IDENTITIES * IMAGES, SIZE), np.float32)
    for identity in range(IDENTITIES):
        places = rng.choice(SIZE, ENTRIES, replace=False)
        signs = rng.choice([-1.0, 1.0], ENTRIES)
        for image in range(IMAGES):
            changed = rng.choice(ENTRIES, CHANGED, replace=False)
            own = signs.copy()
            own[changed] = rng.choice([-1.0, 1.0], CHANGED)
            rows[identity * IMAGES + image, places] = own
    return rows / np.float32(np.sqrt(ENTRIES))


def mxnet_rows(mx, rows):
    bag = mx.nd.array(rows)
    for anchor in range(len(rows)):
        difference = mx.nd.broadcast_sub(bag[anchor : anchor + 1], bag)
        yield mx.nd.sum(difference * difference, axis=1).asnumpy()


def numpy_rows(rows):
    for anchor in rows:
        yield np.square(anchor - rows).sum(axis=1)


def numpy_candidates(distances, d_ap):
    return np.where(np.logical_and(distances - d_ap < ALPHA, d_ap < distances))[0]


def python_candidates(distances, d_ap):
    d_ap = float(d_ap)  # NumPy's numbers would be compared many times slower
    return [place for place, d_an in enumerate(distances.tolist()) if d_ap < d_an and d_an - d_ap < ALPHA]


def loop(distances, draws, candidates):
    """Triplets (a, p, n), pair by pair, with one row of distances for each anchor."""
    draws, triplets = iter(draws), []
    for anchor, row in enumerate(distances):
        first = anchor - anchor % IMAGES
        to_positive = row[first : first + IMAGES].copy()
        row[first : first + IMAGES] = np.nan
        for positive in range(anchor + 1, first + IMAGES):
            draw = next(draws)
            found = candidates(row, to_positive[positive - first])
            if len(found):
                triplets.append((anchor, positive, found[int(draw * np.float32(len(found)))]))
    return np.array(triplets)


def main():
    """Time ours (the median of some runs) and each loop (once: they take long); the triplets must be the same."""
    mx = import_mxnet()
    rows = embeddings()
    bag = mx.nd.array(rows)
    labels = np.repeat(np.arange(IDENTITIES), IMAGES)
    pairs = IDENTITIES * IMAGES * (IMAGES - 1) // 2
    tag = int.from_bytes(b"triplet miner", "big")
    draws = np.random.default_rng([0, tag, 0]).random(pairs, np.float32)

    def ours():
        return mine_triplets(bag, labels, ALPHA)

    incumbents = {
        "rows by MXNet, np.where a pair": lambda: loop(mxnet_rows(mx, rows), draws, numpy_candidates),
        "rows by NumPy, np.where a pair": lambda: loop(numpy_rows(rows), draws, numpy_candidates),
        "rows by NumPy, Python candidates": lambda: loop(numpy_rows(rows), draws, python_candidates),
        "NumPy matrix product, np.where a pair": lambda: loop(2 - 2 * (rows @ rows.T), draws, numpy_candidates),
    }
    mined = ours()
    expected = np.stack([mined.anchor, mined.positive, mined.negative], axis=1)
    ours_s = statistics.median(cpu_seconds(ours)[0] for _ in range(RUNS))
    for name, incumbent in incumbents.items():
        incumbent_s, found = cpu_seconds(incumbent)
        assert np.array_equal(found, expected), name
        record(
            "triplet_mining",
            f"bag of {len(rows)}, {SIZE}-d, {pairs} pairs",
            ours_s,
            incumbent_s,
            incumbent_name=name,
            runs=1,
            triplets=len(expected),
            threads=os.environ.get("OMP_NUM_THREADS", "-"),
        )


def cpu_seconds(function):
    """``(CPU-seconds, result)``."""
    start = time.process_time()
    result = function()
    return time.process_time() - start, result


if __name__ == "__main__":
    main()
