import io
from types import SimpleNamespace

import numpy as np
import pytest

from insightrec.train.digit_figure import digit_figure, write_digit_figure


def embedding(weights=None):
    rng = np.random.default_rng(0)
    return SimpleNamespace(
        embeddings=rng.normal(size=(30, 2)).astype(np.float32), labels=np.arange(30) % 10, weights=weights
    )


def test_a_panel_for_each_loss_holds_its_points_and_rays():
    weights = np.random.default_rng(1).normal(size=(10, 2))
    figure = digit_figure([("softmax", embedding()), ("arcface", embedding(weights))])
    plain, angular = figure.axes
    assert [axes.get_title() for axes in figure.axes] == ["softmax", "arcface"]
    for axes in figure.axes:
        assert axes.get_aspect() == 1
        assert axes.get_xlim() == axes.get_ylim()
        for digit, points in enumerate(axes.collections):
            np.testing.assert_array_equal(points.get_offsets(), embedding().embeddings[digit::10])
    assert not plain.lines
    for ray, weight in zip(angular.lines, weights):
        start, end = ray.get_xydata()
        assert start.tolist() == [0, 0]
        assert end / np.linalg.norm(end) == pytest.approx(weight / np.linalg.norm(weight))
        assert np.linalg.norm(end) > np.sqrt(2) * angular.get_xlim()[1]  # it leaves the panel, wherever it points


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_same_panels_are_the_same_bytes():
    files = io.BytesIO(), io.BytesIO()
    for file in files:
        write_digit_figure(file, [("softmax", embedding())])
    assert files[0].getvalue().startswith(b"\x89PNG")
    assert files[0].getvalue() == files[1].getvalue()
