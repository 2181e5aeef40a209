"""CMC and ROC of an experiment, as one figure."""

import io

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from insightrec.megaface.identification_curves import rank_rates

PANEL_INCHES, DOTS_PER_INCH = (5.6, 4.2), 120


def experiment_plot(outcome, title):
    """The figure of an `ExperimentOutcome`: PNG bytes."""
    figure = Figure(figsize=(2 * PANEL_INCHES[0], PANEL_INCHES[1]), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title.replace("$", r"\$"), fontsize="medium")
    cmc_axes, roc_axes = figure.subplots(1, 2)
    for ranks, label in ((outcome.ranks, "among distractors"), (outcome.own_ranks, "one gallery image a person too")):
        rates = rank_rates(ranks)
        cmc_axes.plot(np.arange(1, len(rates) + 1), rates, label=label)
    cmc_axes.set(title="CMC", xlabel="rank", ylabel="identification rate", xscale="log")
    far, tar = _roc(outcome)
    roc_axes.plot(far, tar, drawstyle="steps-post", label="first hundred probes (devkit)")
    points = [point for point in outcome.all_probes if point.resolvable]
    roc_axes.plot([p.far_target for p in points], [p.tar for p in points], "o", label="all probes")
    left = 0.8 * min([far[0], *(point.far_target for point in points)])
    roc_axes.set(title="ROC", xlabel="false accept rate", ylabel="true accept rate", xscale="log", xlim=(left, 1))
    for axes in (cmc_axes, roc_axes):
        axes.grid(which="major", linewidth=0.5, color="0.85")
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(loc="lower right", fontsize="small")
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=DOTS_PER_INCH)
    return file.getvalue()


def _roc(outcome):
    """(far, tar) over the negatives of the first hundred probes, from one false accept on."""
    order = np.argsort(outcome.negatives_above, kind="stable")
    far = outcome.negatives_above[order] / outcome.negatives
    tar = np.cumsum(outcome.positives[order]) / outcome.positives.sum()
    least = 1 / outcome.negatives
    strict = np.count_nonzero(far < least)
    start = tar[strict - 1] if strict else 0.0
    return np.concatenate([[least], far[strict:], [1.0]]), np.concatenate([[start], tar[strict:], [1.0]])
