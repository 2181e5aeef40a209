"""The figure is drawn, the same each time, and its ROC begins at one false accept."""

import cv2
import numpy as np

from insightrec.eval.tar_at_far import TarAtFar
from insightrec.megaface.experiment_outcome import ExperimentOutcome
from insightrec.megaface.experiment_plot import _roc, experiment_plot


def outcome(negatives_above):
    points = [TarAtFar(far, 0.5, -1.0, 0, 5000, 3, 6, far > 1e-4) for far in (1e-3, 1e-4)]
    ranks = np.array([0, 3, 1])
    return ExperimentOutcome(50, 3, ranks, ranks, ranks, np.array([1, 2, 5]), negatives_above, 5000, points, points)


def test_picture():
    made = outcome(np.array([40, 5, 0]))
    data = experiment_plot(made, "pro$be, 50 dis$tractors")
    assert cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR).shape == (504, 1344, 3)
    assert data == experiment_plot(made, "pro$be, 50 dis$tractors")


def test_roc():
    far, tar = _roc(outcome(np.array([40, 5, 0])))
    np.testing.assert_allclose(far, [1 / 5000, 5 / 5000, 40 / 5000, 1])
    np.testing.assert_allclose(tar, [5 / 8, 7 / 8, 1, 1])
    far, tar = _roc(outcome(np.array([40, 5, 1])))
    np.testing.assert_allclose(tar, [0, 5 / 8, 7 / 8, 1, 1])
