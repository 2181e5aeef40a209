import io

import numpy as np
import pytest

from insightrec.eval.roc_curve import roc_curve
from insightrec.eval.roc_plot import roc_figure


def curve(shift, pairs=400):
    rng = np.random.default_rng(0)
    is_same = np.arange(pairs) % 2 == 0
    return roc_curve(rng.normal(np.where(is_same, 1.0, 1.0 + shift), 0.2), is_same)


def test_a_row_of_two_panels_per_target_holds_every_models_points():
    curves = {"lfw": {"a": curve(0.4), "b": curve(0.8)}, "cfp_fp": {"a": curve(0.2)}}
    figure = roc_figure(curves)
    assert [axes.get_title() for axes in figure.axes] == ["lfw: ROC", "lfw: DET", "cfp_fp: ROC", "cfp_fp: DET"]
    roc_axes, det_axes = figure.axes[:2]
    assert [line.get_label() for line in roc_axes.lines] == ["a", "b"]
    np.testing.assert_array_equal(
        roc_axes.lines[1].get_xydata(), np.stack([curves["lfw"]["b"].far, curves["lfw"]["b"].tar], 1)
    )
    np.testing.assert_array_equal(det_axes.lines[0].get_ydata(), 1 - curves["lfw"]["a"].tar)
    assert roc_axes.get_xscale() == det_axes.get_yscale() == "log"
    assert roc_axes.get_xlim()[0] == pytest.approx(1 / 200)


@pytest.mark.parametrize(
    "curves", [{"many": {f"m,{i}": curve(i / 10) for i in range(14)}}, {"tiny": {"a": curve(9, 2)}}]
)
@pytest.mark.filterwarnings("error::UserWarning", "error::RuntimeWarning", "ignore::DeprecationWarning")
def test_many_models_and_tiny_packs_draw_without_a_warning(curves):
    png = io.BytesIO()
    roc_figure(curves).savefig(png, format="png")
    assert png.getvalue().startswith(b"\x89PNG")


def test_nothing_global_is_touched():
    import sys

    if "matplotlib.pyplot" in sys.modules:
        pytest.skip("another test imported pyplot")
    roc_figure({"lfw": {"a": curve(0.4)}})
    assert "matplotlib.pyplot" not in sys.modules


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_names_are_not_formulas():
    figure = roc_figure({"$x_$": {r"a$\frac$": curve(0.4), "b\udcff": curve(0.4)}})
    figure.savefig(io.BytesIO(), format="png")
    assert figure.axes[0].get_title() == r"\$x_\$: ROC"
    assert [line.get_label() for line in figure.axes[0].lines] == [r"a\$\frac\$", r"b\udcff"]
