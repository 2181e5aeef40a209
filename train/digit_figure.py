"""Embeddings of digits in the plane, a panel for each loss, as the papers on margins draw them."""

import numpy as np
from matplotlib import colormaps
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

PANEL_INCHES, DOTS_PER_INCH = (3.2, 3.6), 110
SPAN = 1.08  # half side of a panel, in units of the longest embedding
COLORS = colormaps["tab10"].colors


def write_digit_figure(file, panels):
    """Write `digit_figure` of ``panels`` as PNG into an open binary file."""
    digit_figure(panels).savefig(file, format="png", dpi=DOTS_PER_INCH)


def digit_figure(panels):
    """Draw embeddings as points, a colour for each digit, and class weights as rays.

    Args:
        panels: list of ``(title, DigitEmbedding)``.

    Returns:
        A `matplotlib.figure.Figure` with a canvas of its own; nothing global is touched.
    """
    figure = Figure(figsize=(PANEL_INCHES[0] * len(panels), PANEL_INCHES[1]), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, (title, embedding) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels):
        span = SPAN * np.linalg.norm(embedding.embeddings, axis=1).max()
        for digit, color in enumerate(COLORS):
            points = embedding.embeddings[embedding.labels == digit]
            axes.scatter(*points.T, s=5, color=color, linewidths=0, label=str(digit), zorder=2)
            if embedding.weights is not None:
                ray = embedding.weights[digit] / np.linalg.norm(embedding.weights[digit]) * 2 * span
                axes.plot([0, ray[0]], [0, ray[1]], color=color, linewidth=0.8, alpha=0.6, zorder=1)
        axes.set(title=title, aspect="equal", xlim=(-span, span), ylim=(-span, span), xticks=[], yticks=[])
        axes.title.set_fontsize("medium")
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(COLORS), markerscale=3, frameon=False)
    return figure
