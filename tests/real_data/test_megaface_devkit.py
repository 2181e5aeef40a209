"""The devkit's own results on synthetic features, byte for byte, whatever the blocks."""

import json
from typing import NamedTuple

import numpy as np
import pytest

from insightrec.megaface.block_counts import BlockCounts
from insightrec.megaface.devkit_json import to_devkit_json
from insightrec.megaface.devkit_score import scorable, score_matrix
from insightrec.megaface.feature_file import read_matrix
from insightrec.megaface.identification_curves import cmc_curve, roc_curve, traditional_curve
from insightrec.megaface.match_table import match_table
from insightrec.megaface.probe_set import ProbeSet

CASES = ("A", "B", "C", "F", "H", "K", "L")


class Case(NamedTuple):
    folder: object
    probes: np.ndarray
    ids: list
    distractors: np.ndarray
    number: int


@pytest.fixture(params=CASES)
def case(request, data):
    root = data / "megaface_devkit"
    folder = root / request.param
    index = json.loads((root / "index.json").read_text())
    return Case(
        folder,
        np.load(folder / "probes.npy"),
        json.loads((folder / "probe_list.json").read_text())["id"],
        np.load(folder / "distractors.npy"),
        index[request.param]["num_distractors_argument"],
    )


def check_results(case, probe_set, counts):
    distractors = counts.distractors
    ranks = counts.beaten_by(probe_set, probe_set.pair_threshold)
    searches = probe_set.placings.ahead + counts.beaten_by(probe_set, probe_set.placing_threshold)
    negatives = probe_set.roc_probes * distractors
    curves = {
        "cmc": cmc_curve(ranks, distractors),
        "roc": roc_curve(counts.negatives_above_positives(), probe_set.positive_counts, negatives),
        "traditional_cmc": traditional_curve(searches, distractors, len(probe_set.subjects)),
    }
    assert to_devkit_json(curves) == (case.folder / "cmc.json").read_bytes()
    table = match_table(probe_set, ranks, counts.top)
    assert to_devkit_json(table) == (case.folder / "matches.json").read_bytes()


def test_score_matrices_bit_for_bit(case):
    probes, distractors = scorable(case.probes), scorable(case.distractors)
    for name, columns in (("pp.bin", probes), ("pd.bin", distractors)):
        if (case.folder / name).exists():
            expected = np.array(read_matrix(case.folder / name))
            assert np.array_equal(score_matrix(probes, columns).view(np.uint32), expected.view(np.uint32))


@pytest.mark.parametrize("columns", [7, 100, 10**6])
def test_result_files_byte_for_byte(case, columns):
    probe_set = ProbeSet(case.probes, case.ids)
    counts = BlockCounts(probe_set, case.number)
    for start in range(0, len(case.distractors), columns):
        counts.add(probe_set, case.distractors[start : start + columns], start)
    assert counts.complete
    check_results(case, probe_set, counts)


def test_columns_one_by_one_and_blocks_merged_in_any_order(case):
    """The first columns one at a time, the others in blocks that are counted apart and merged at random."""
    probe_set = ProbeSet(case.probes, case.ids)
    edges = [*range(min(30, case.number)), *range(30, case.number, 133), case.number]
    parts = []
    for start, stop in zip(edges[:-1], edges[1:]):
        part = BlockCounts(probe_set, case.number)
        part.add(probe_set, case.distractors[start:stop], start)
        parts.append(part)
    total = BlockCounts(probe_set, case.number)
    for place in np.random.default_rng(0).permutation(len(parts)):
        total.merge(parts[place])
    check_results(case, probe_set, total)
