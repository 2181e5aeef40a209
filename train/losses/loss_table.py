"""The losses by number and name; their code, which needs MXNet, is imported when one is made."""

import importlib
from typing import NamedTuple, Optional

from insightrec.recordio_tools.errors import InputError

ANGLE = "--margin-m in radians, 0 <= m < pi/2"
SCALE = "--margin-s, s > 0"
MULTIPLE = "--margin, m a whole number of 1 or more"
ANNEALING = "--beta, --beta-min, --gamma, --power plain numbers, --beta-freeze steps, all 0 or more"
TERM = "--margin-b, a plain number above 0 (1)"


class LossEntry(NamedTuple):
    """A row of the table.

    number: upstream's, or None. formula: f_j are the logits, y the own class, theta the angle of x and W_y.
    flags: what it reads, with unit and domain. kind: ``"classes"`` (a head over all classes), ``"identities"``
    (pairs within a batch of identities) or ``"triplets"`` (mined). factory: ``"module:Class"``.
    """

    number: Optional[int]
    name: str
    formula: str
    flags: str
    paper: str
    kind: str
    factory: str


ENTRIES = (
    LossEntry(0, "softmax", "f = W x + b", "--fc7-no-bias leaves b out", "", "classes", "softmax:Softmax"),
    LossEntry(
        1,
        "sphereface",
        "f_y = |x| (psi + beta cos theta) / (1 + beta), psi = (-1)^k cos(m theta) - 2k; |W_j| = 1",
        f"{MULTIPLE}; {ANNEALING}",
        "Liu et al., SphereFace, CVPR 2017",
        "classes",
        "sphereface:SphereFace",
    ),
    LossEntry(
        2,
        "cosface",
        "f_y = s (cos theta - m)",
        f"--margin-m a plain number, 0 <= m < 1; {SCALE}",
        "Wang et al., CosFace, CVPR 2018",
        "classes",
        "cosface:CosFace",
    ),
    LossEntry(
        3,
        "multiplicative_angle",
        "f_y = s cos(m theta), which rises again beyond pi/m",
        f"{MULTIPLE}; {SCALE}",
        "",
        "classes",
        "multiplicative_angle:MultiplicativeAngle",
    ),
    LossEntry(
        4,
        "arcface",
        "f_y = s cos(theta + m), s (cos theta - m sin m) where theta + m >= pi",
        f"{ANGLE}; {SCALE}; --easy-margin 1: a margin only where cos theta > 0",
        "Deng et al., ArcFace, CVPR 2019",
        "classes",
        "arcface:ArcFace",
    ),
    LossEntry(
        5,
        "combined",
        "f_y = s (cos(a theta + m) - b), which rises again beyond a theta + m = pi",
        f"--margin-a a plain number above 0 (1); {ANGLE}; --margin-b a plain number, 0 <= b < 1 (0); {SCALE}",
        "Deng et al., ArcFace, CVPR 2019",
        "classes",
        "combined:Combined",
    ),
    LossEntry(
        6,
        "adaptive_arcface",
        "f_y = s cos(theta + r m), r = max(min_batch theta / theta, a), 0 where theta > 1 rad",
        f"{ANGLE}; --margin-a a plain number, 0 <= a <= 1 (0); {SCALE}",
        "upstream, early 2018",
        "classes",
        "adaptive_arcface:AdaptiveArcFace",
    ),
    LossEntry(
        7,
        "random_arcface",
        "arcface with one m a step, uniform in a..m",
        f"{ANGLE}; --margin-a in radians, 0 <= a <= m (0); {SCALE}; --seed",
        "upstream, early 2018",
        "classes",
        "random_arcface:RandomArcFace",
    ),
    LossEntry(
        8,
        "center",
        "softmax + lambda/2 mean |x - c_y|^2",
        "--center-alpha, rate of the centres, 0 to 1; --center-scale, lambda, 0 or more; --fc7-no-bias",
        "Wen et al., ECCV 2016",
        "classes",
        "center_loss:CenterLoss",
    ),
    LossEntry(
        9,
        "coco",
        "softmax over the cosines to the batch's identity centroids, times ln(C - 1) / 2 + 3",
        "--images-per-identity; C is the training set's",
        "Liu et al., COCO, 2017 (arXiv:1710.00870)",
        "identities",
        "coco:CocoLoss",
    ),
    LossEntry(
        10,
        "marginal",
        "mean over pairs of relu(0.3 + y (d^2 - 1.2)), y = 1 for one person, -1 for two",
        "--images-per-identity",
        "Deng et al., Marginal Loss, CVPR workshops 2017",
        "identities",
        "marginal:MarginalLoss",
    ),
    LossEntry(
        11,
        "npair",
        "mean log sum_j exp(cos_ij - cos_ii)",
        "--images-per-identity",
        "Sohn, NIPS 2016",
        "identities",
        "npair:NPairLoss",
    ),
    LossEntry(
        12,
        "triplet",
        "relu(|a - p|^2 - |a - n|^2 + alpha), unit vectors",
        "--triplet-alpha, a squared distance, 0 < alpha <= 4; --triplet-max-ap",
        "Schroff et al., FaceNet, CVPR 2015",
        "triplets",
        "triplet:TripletLoss",
    ),
    LossEntry(
        13,
        "angular_triplet",
        "relu(angle(a, p) - angle(a, n) + m)",
        "--margin-m in radians, 0 < m < pi; --triplet-max-ap",
        "upstream, 2018",
        "triplets",
        "angular_triplet:AngularTripletLoss",
    ),
    LossEntry(
        None,
        "lsoftmax",
        "f_y = |W_y| |x| (psi + beta cos theta) / (1 + beta), psi as sphereface's",
        f"{MULTIPLE}; {ANNEALING}",
        "Liu et al., L-softmax, ICML 2016",
        "classes",
        "lsoftmax:LSoftmax",
    ),
    LossEntry(
        None,
        "normface",
        "f = s cos theta, no margin",
        SCALE,
        "Wang et al., NormFace, ACM MM 2017",
        "classes",
        "normface:NormFace",
    ),
    LossEntry(
        None,
        "li_arcface",
        "f_y = s (pi - 2 (theta + m)) / pi, f_j = s (pi - 2 theta_j) / pi",
        f"{ANGLE}; {SCALE}",
        "Li et al., AirFace, ICCV workshops 2019",
        "classes",
        "li_arcface:LiArcFace",
    ),
    LossEntry(
        None,
        "contrastive",
        "d^2 / 2 for one person, relu(margin - d)^2 / 2 for two, unit vectors",
        "--contrastive-margin, a distance, 0 < margin <= 2; --images-per-identity",
        "Hadsell et al., CVPR 2006",
        "identities",
        "contrastive:ContrastiveLoss",
    ),
    LossEntry(
        None,
        "arcface_intra",
        "arcface + b mean(theta) / pi",
        f"{ANGLE}; {SCALE}; {TERM}",
        "Deng et al., ArcFace, CVPR 2019; upstream's 6 of late 2018",
        "classes",
        "arcface_intra:ArcFaceIntra",
    ),
    LossEntry(
        None,
        "arcface_inter",
        "arcface + b mean cos(W_y, W_j)",
        f"{ANGLE}; {SCALE}; {TERM}",
        "Deng et al., ArcFace, CVPR 2019; upstream's 7 of late 2018",
        "classes",
        "arcface_inter:ArcFaceInter",
    ),
    LossEntry(
        None,
        "combined_monotone",
        "f_y = s (psi(a theta + m) - b), psi = cos up to pi and falling on beyond",
        f"as combined: --margin-a, --margin-m, --margin-b, {SCALE}",
        "",
        "classes",
        "combined:CombinedMonotone",
    ),
)


def find_loss(text):
    """The entry of a name or number, given as text.

    Raises:
        InputError: there is none; the message lists them all.
    """
    for entry in ENTRIES:
        if text == entry.name or (entry.number is not None and text == str(entry.number)):
            return entry
    known = ", ".join(entry.name if entry.number is None else f"{entry.number} {entry.name}" for entry in ENTRIES)
    raise InputError(f"loss {text!r} is not known; there are: {known}")


def make_loss(entry, options):
    """The loss of an entry, set from an argparse namespace with upstream's names.

    Raises:
        InputError: a margin is outside its domain; the message names the flag.
        MXNetMissing: MXNet is not installed.
    """
    module, name = entry.factory.split(":")
    return getattr(importlib.import_module(f"insightrec.train.losses.{module}"), name).from_options(options)


def loss_table():
    """The table as text: number, name and formula, then flags and paper."""
    width = max(len(entry.name) for entry in ENTRIES)
    lines = ["f_j = s cos theta_j unless said otherwise; a default that differs by loss stands in brackets"]
    for entry in ENTRIES:
        number = "" if entry.number is None else entry.number
        lines.append(f"{number:>2}  {entry.name:{width}}  {entry.formula}  [{entry.kind}]")
        lines += [" " * (width + 6) + text for text in (entry.flags, entry.paper) if text]
    return "\n".join(lines)
