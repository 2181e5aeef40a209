"""ROC and DET curves of several models on several targets, as one figure."""

from pathlib import Path

from matplotlib import colormaps
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from insightrec.recordio_tools.atomic_file import atomic_write

ROC_PLOT = "roc.png"
PANEL_INCHES, DOTS_PER_INCH = (5.6, 4.2), 120
DISTINCT_COLORS = 10  # of "tab10"; more curves take shades of one scale, in order
LEGEND_ROWS = 12


def write_roc_plot(folder, curves):
    """Write `roc_figure` of ``curves`` as ``roc.png`` into ``folder``, replacing what is there."""
    with atomic_write(Path(folder) / ROC_PLOT, overwrite=True) as file:
        roc_figure(curves).savefig(file, format="png", dpi=DOTS_PER_INCH)


def roc_figure(curves):
    """Draw curves, one row of two panels per target: ROC (TAR over FAR) and DET (false rejects over FAR).

    The FAR axis is logarithmic and begins at one false accept. A curve is a staircase: between two
    thresholds the rates do not change.

    Args:
        curves: dict target name -> dict model name -> `RocCurve`.

    Returns:
        A `matplotlib.figure.Figure` with a canvas of its own; nothing global is touched.
    """
    figure = Figure(figsize=(2 * PANEL_INCHES[0], PANEL_INCHES[1] * len(curves)), layout="constrained")
    FigureCanvasAgg(figure)
    for (roc_axes, det_axes), (target, models) in zip(figure.subplots(len(curves), 2, squeeze=False), curves.items()):
        left = min(0.1, *(1 / curve.negatives for curve in models.values()))
        bottom = 0.7 * min(0.1, *(1 / curve.positives for curve in models.values()))  # one false reject is in view
        for (model, curve), color in zip(models.items(), _colors(len(models))):
            style = {"drawstyle": "steps-post", "color": color, "label": _plain(model)}
            roc_axes.plot(curve.far, curve.tar, **style)
            det_axes.plot(curve.far, 1 - curve.tar, **style)
        det_axes.plot([left, 1], [left, 1], color="0.6", linewidth=0.8, linestyle=":", label="equal error rate")
        lowest = min(_tar_at(curve, left) for curve in models.values())
        margin = 0.05 * (1 - lowest) + 0.001
        roc_axes.set(title=f"{_plain(target)}: ROC", ylabel="true accept rate", ylim=(lowest - margin, 1 + margin / 2))
        det_axes.set(title=f"{_plain(target)}: DET", ylabel="false reject rate", yscale="log", ylim=(bottom, 1))
        for axes in (roc_axes, det_axes):
            axes.set(xlabel="false accept rate", xscale="log", xlim=(left, 1))
            axes.grid(which="major", linewidth=0.5, color="0.85")
            axes.spines[["top", "right"]].set_visible(False)
        roc_axes.legend(loc="lower right", fontsize="small", ncols=-(-len(models) // LEGEND_ROWS))
        det_axes.legend(handles=det_axes.lines[-1:], loc="upper right", fontsize="small")
    return figure


def _plain(name):
    """A file's name as text to draw: no formula between dollars, no bytes that are not UTF-8."""
    return name.encode("utf-8", "backslashreplace").decode().replace("$", r"\$")


def _tar_at(curve, far):
    return curve.tar[curve.far <= far][-1]


def _colors(count):
    if count <= DISTINCT_COLORS:
        return colormaps["tab10"].colors[:count]
    return colormaps["viridis"]([number / (count - 1) for number in range(count)])
