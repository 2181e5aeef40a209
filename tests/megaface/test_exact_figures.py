"""What exact_*.json says, by hand."""

import json

import numpy as np

from insightrec.eval.tar_at_far import TarAtFar
from insightrec.megaface.exact_figures import exact_figures
from insightrec.megaface.experiment_outcome import ExperimentOutcome


def outcome(**changes):
    point = TarAtFar(1e-3, 0.5, -1.25, 4, 5000, 3, 6, True)
    values = {
        "distractors": 50,
        "subjects": 3,
        "ranks": np.array([0, 0, 2, 99, 100, 0, 30, 0]),
        "traditional_ranks": np.array([0, 1]),
        "own_ranks": np.array([1, 0, 0, 7]),
        "positives": np.array([2, 4]),
        "negatives_above": np.array([5, 1]),
        "negatives": 5000,
        "first_hundred": [point],
        "all_probes": [point],
    }
    return ExperimentOutcome(**{**values, **changes})


def test_figures():
    curves = {"roc": [[0.0, 0.0004, 0.002, 1.0], [0.25, 0.5, 0.75, 1.0]]}
    figures = exact_figures(outcome(), curves)
    assert json.loads(json.dumps(figures, allow_nan=False)) == figures
    found = figures["identification"]
    assert found["pairs"] == 8
    assert [found["found"][rank - 1] for rank in (1, 2, 3, 30, 31, 99, 100)] == [4, 4, 5, 5, 6, 6, 7]
    assert found["rate"][:3] == [0.5, 0.5, 0.625]
    assert figures["traditional_cmc"]["searches"] == 4
    assert figures["traditional_cmc"]["found"][:2] == [2, 3]
    assert figures["verification"]["all_probes"][0]["true_accepts"] == 3
    assert figures["devkit_roc"] == [{"far_target": 1e-3, "low": 0.5, "high": 0.51}]


def test_a_point_at_the_rate_is_part_of_the_bracket():
    """The devkit's rate of 1 in 1000 is float32, 0.001000000047."""
    curves = {"roc": [[0.0, float(np.float32(1) / np.float32(1000)), 1.0], [0.25, 0.5, 0.75]]}
    assert exact_figures(outcome(), curves)["devkit_roc"] == [{"far_target": 1e-3, "low": 0.5, "high": 0.51}]


def test_bracket_is_at_most_one():
    curves = {"roc": [[0.0, 1.0], [0.995, 1.0]]}
    assert exact_figures(outcome(), curves)["devkit_roc"] == [{"far_target": 1e-3, "low": 0.995, "high": 1.0}]
