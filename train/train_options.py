"""The trainer's command line: InsightFace's flags and defaults, and what this trainer adds to them."""

import argparse
import math

from insightrec.recordio_tools.command_line import add_on_error, image_size, number_between, whole_number

END_EPOCH = 100_000
TARGETS = "lfw,cfp_fp,agedb_30"
# Flags of InsightFace's trainer of February 2018 that this one lacks, at the values that leave them off.
EXPERIMENTS = {
    "noise-sgd": 0,
    "margin-verbose": 0,
    "logits-verbose": 0,
    "c2c-threshold": 0,
    "c2c-mode": -10,
    "output-c2c": 0,
    "train-limit": 0,
    "incay": 0,
}
LARGEST = 1e30  # the optimizer takes float32, of these numbers' products too

DESCRIPTION = """Train a face embedding on a record set, by loss number.

The flags are those of InsightFace's train_softmax.py and train_triplet.py, the defaults the first one's. Angles are in
radians, other margins plain numbers; --list-losses says what each loss takes."""


def parse(argv):
    """The command line, as an argparse namespace."""
    parser = argparse.ArgumentParser(
        prog="train.py",
        usage="train.py [--network NAME] [--loss-type N] [--data-dir FOLDER] [--prefix PREFIX] ... (see --help)",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--list-losses",
        action="store_true",
        help="print the losses: number, name, formula, flags, paper; and stop (default: train)",
    )
    for add_group in (
        _add_data,
        _add_network,
        _add_loss,
        _add_triplets,
        _add_optimizer,
        _add_schedule,
        _add_checkpoints,
        _add_devices,
        _add_inert,
    ):
        add_group(parser)
    return parser.parse_args(argv)


def _only(expected):
    """An argparse type: the number ``expected`` and no other."""

    def number(text):
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if value != expected:
            raise argparse.ArgumentTypeError(f"expected {expected}, which is without effect, found {text!r}")
        return expected

    return number


def _add_data(parser):
    group = parser.add_argument_group("data")
    add = group.add_argument
    add("--data-dir", default="", help="folder with train.rec, train.idx, property and packs (default: the current)")
    add(
        "--target",
        default=TARGETS,
        help="packs to verify on, separated by commas, <target>.bin in --data-dir or paths; those that are absent are "
        f"skipped (default: {TARGETS})",
    )
    add("--nfolds", type=whole_number(1), default=10, help="folds of the verification (default: 10)")
    add(
        "--image-size",
        type=image_size,
        help="height,width in pixels of the network's input (default: that of property, else 112,112)",
    )
    add("--rand-mirror", type=whole_number(0, 1), default=1, help="1: mirror every other image (default: 1)")
    add(
        "--color",
        type=whole_number(0, 2),
        default=0,
        help="1: jitter brightness, contrast, saturation; 2: also JPEG artefacts (default: 0)",
    )
    add(
        "--cutoff",
        type=whole_number(0),
        default=0,
        help="side in pixels of a gray square on every other image, 0 none (default: 0)",
    )
    add(
        "--images-filter",
        type=whole_number(0),
        default=0,
        help="leave out identities with fewer images (default: 0, none)",
    )
    add("--threads", type=whole_number(1), help="threads that decode images (default: one a core)")
    add("--seed", type=whole_number(0), default=0, help="of everything random (default: 0)")
    add_on_error(group, "image")


def _add_network(parser):
    add = parser.add_argument_group("network").add_argument
    add(
        "--network",
        default="r50",
        help="letter and number: r18 r34 r50 r100 r152 ..., y1, m1, i2, d121, p68, s20 ..., or facenet (default: r50)",
    )
    add("--emb-size", type=whole_number(1), help="size of the embedding (default: 512; of facenet: 128)")
    add("--version-se", type=whole_number(0, 1), default=0, help="1: squeeze-and-excitation, r only (default: 0)")
    add(
        "--version-input",
        type=whole_number(0, 2),
        default=1,
        help="first layers: 0 with stride 2, for images of twice the size; 1 without; 2, r only, as 1 with batch "
        "normalised pixels (default: 1)",
    )
    add(
        "--version-output",
        help="embedding head: A to J, with X for dropout, Z, GAP, GDC, GNAP (default: E; of y: GDC, its head of "
        "April 2018, which the released model has)",
    )
    add("--version-unit", type=whole_number(1), default=3, help="residual unit of r, 1 to 3 (default: 3)")
    add("--version-act", default="prelu", help="activation of r: prelu, relu ... (default: prelu)")
    add("--version-multiplier", type=float, default=1.0, help="width of m1, times its channels (default: 1)")
    add("--bn-mom", type=float, default=0.9, help="momentum of batch normalisation's moving statistics (default: 0.9)")
    add(
        "--pretrained",
        default="",
        help="'prefix,epoch': start from these parameters, taken by name (default: none)",
    )


def _add_loss(parser):
    add = parser.add_argument_group("loss").add_argument
    add("--loss-type", "--loss", default="4", help="number or name, see --list-losses (default: 4, arcface)")
    add("--margin-m", type=float, default=0.5, help="margin m; radians for arc losses, 5 and 13 (default: 0.5)")
    add("--margin-s", type=float, default=64.0, help="scale s of the cosines (default: 64)")
    add(
        "--margin-a",
        type=float,
        help="5, combined_monotone: factor a of the angle (default: 1); 6: lowest r, 7: lowest margin in radians "
        "(default: 0)",
    )
    add(
        "--margin-b",
        type=float,
        help="5, combined_monotone: subtracted from the cosine (default: 0); arcface_intra, arcface_inter: weight of "
        "the extra loss (default: 1)",
    )
    add("--easy-margin", type=whole_number(0, 1), default=0, help="4: 1 for a margin at cos > 0 only (default: 0)")
    add("--margin", type=whole_number(1), default=4, help="1, 3, lsoftmax: factor of the angle (default: 4)")
    add("--beta", type=float, default=1000.0, help="1, lsoftmax: share of the plain logit at the start (default: 1000)")
    add("--beta-min", type=float, default=5.0, help="1, lsoftmax: lowest share of the plain logit (default: 5)")
    add(
        "--beta-freeze",
        type=whole_number(0),
        default=0,
        help="1, lsoftmax: steps before it falls, and that --lr-steps come later (default: 0; above 20,000 classes "
        "InsightFace's trainer takes 5000, and a --gamma of 0.06, by itself, this one does not)",
    )
    add("--gamma", type=float, default=0.12, help="1, lsoftmax: how fast it falls (default: 0.12)")
    add("--power", type=float, default=1.0, help="1, lsoftmax: exponent of its fall (default: 1)")
    add("--center-alpha", type=float, default=0.5, help="8: rate of the centres (default: 0.5)")
    add("--center-scale", type=float, default=0.003, help="8: weight of the center loss (default: 0.003)")
    add("--contrastive-margin", type=float, default=1.0, help="contrastive: distance to keep (default: 1)")
    add("--fc7-no-bias", action="store_true", help="0, 8: no bias of the classes (default: a bias)")
    add(
        "--softmax-steps",
        type=whole_number(0),
        default=0,
        help="steps without any margin at the start; small networks stall without (default: 0)",
    )
    add(
        "--margin-warmup-steps",
        type=whole_number(0),
        default=0,
        help="steps over which the margin then grows to its full size (default: 0)",
    )


def _add_triplets(parser):
    add = parser.add_argument_group("identities and triplets").add_argument
    add(
        "--images-per-identity",
        type=whole_number(0, 2**31 - 1),
        default=0,
        help="images of an identity in a batch or bag (default: 0, which is 5 for triplets, 2 for npair and "
        "contrastive, 16 for coco and marginal)",
    )
    add("--triplet-bag-size", type=whole_number(6), default=3600, help="images mined at a time (default: 3600)")
    add(
        "--triplet-alpha",
        type=number_between(0, LARGEST, below=True),
        default=0.3,
        help="12, 13: negatives are sought up to so much further than the positive, squared distance; 12: the margin "
        "(default: 0.3)",
    )
    add(
        "--triplet-max-ap",
        type=number_between(0, LARGEST, below=True),
        default=0.0,
        help="leave out pairs of an identity further apart, squared distance, 0 none (default: 0)",
    )
    add(
        "--triplet-rule",
        choices=("semi-hard", "hard", "any"),
        default="semi-hard",
        help="negatives: between d_ap and d_ap + alpha, the closest, or any below d_ap + alpha (default: semi-hard)",
    )
    add(
        "--triplet-ce-weight",
        type=number_between(0, LARGEST, below=True),
        default=0.0,
        help="weight of a cross-entropy over the identities beside the triplet loss, as in FaceNet (default: 0)",
    )


def _add_optimizer(parser):
    add = parser.add_argument_group("optimizer").add_argument
    add("--lr", type=number_between(0, LARGEST, below=True), default=0.1, help="learning rate (default: 0.1)")
    add("--mom", type=number_between(0, 1, below=True), default=0.9, help="momentum (default: 0.9)")
    add("--wd", type=number_between(0, LARGEST, below=True), default=0.0005, help="weight decay (default: 0.0005)")
    add(
        "--fc7-wd-mult",
        type=number_between(0, LARGEST, below=True),
        default=1.0,
        help="weight decay of fc7_weight, times --wd (default: 1)",
    )
    add(
        "--fc7-lr-mult",
        type=number_between(0, LARGEST, below=True),
        default=1.0,
        help="learning rate of fc7_weight, times --lr (default: 1)",
    )
    add(
        "--compat-wd",
        action="store_true",
        help="decay every parameter alike and ignore all multipliers, as InsightFace's trainer does in fact "
        "(default: multipliers count; biases and beta do not decay)",
    )
    add(
        "--dtype",
        choices=("float32", "float16"),
        default="float32",
        help="of the network; float16 needs a GPU and scales the loss (default: float32)",
    )


def _add_schedule(parser):
    add = parser.add_argument_group("schedule").add_argument
    add(
        "--per-batch-size",
        type=whole_number(1),
        default=128,
        help="images a step on every device; for triplets a third of it is triplets (default: 128)",
    )
    add(
        "--lr-steps",
        default="",
        help="steps at which the learning rate is divided by 10 (default: 100000,140000,160000 for 1 to 7 "
        "and the named losses on classes, 40000,60000,80000 for others, both times 512 / batch; never for triplets)",
    )
    add("--warmup-steps", type=whole_number(0), default=0, help="steps over which --lr grows from 0 (default: 0)")
    add("--max-steps", type=whole_number(0), default=0, help="steps to train, 0 for no limit (default: 0)")
    add(
        "--end-epoch",
        type=whole_number(1),
        default=END_EPOCH,
        help="epochs to train; of triplets, bags (default: 100000)",
    )


def _add_checkpoints(parser):
    add = parser.add_argument_group("checkpoints and log").add_argument
    add("--prefix", default="../model/model", help="path and start of the names of checkpoints (default: %(default)s)")
    add(
        "--ckpt",
        type=whole_number(0, 3),
        default=1,
        help="0: only at the end or on Ctrl-C; 1: when the verification improves; 2: at every verification; 3: as 1, "
        "always under number 1; the end of a run is saved in any case, as the next number (default: 1)",
    )
    add("--verbose", type=whole_number(1), default=2000, help="steps between verifications (default: 2000)")
    add("--verify-first", action="store_true", help="verify before the first step too (default: not)")
    add("--resume", action="store_true", help="go on from the newest state of --prefix (default: start anew)")
    add("--overwrite", action="store_true", help="remove the checkpoints of --prefix first (default: refuse)")
    add("--tensorboard", help="folder for TensorBoard scalars (default: none)")


def _add_devices(parser):
    add = parser.add_argument_group("devices").add_argument
    add("--gpus", help="GPU numbers such as 0,1 (default: those of CUDA_VISIBLE_DEVICES if set, else the CPU)")
    add("--cpus", type=whole_number(1, 64), default=1, help="CPU contexts to share each step over (default: 1)")
    add(
        "--class-parallel",
        action="store_true",
        help="every device holds a share of the classes instead of all of them (default: all)",
    )
    add(
        "--sample-rate",
        type=float,
        default=1.0,
        help="with --class-parallel: share of the classes that take part in a step, Partial FC (default: 1)",
    )
    add(
        "--kvstore",
        default="device",
        choices=("device", "dist_sync", "dist_device_sync"),
        help="device: this machine alone; dist_*: several, started with MXNet's DMLC_* variables (default: device)",
    )


def _add_inert(parser):
    add = parser.add_argument_group("accepted for InsightFace's command lines, without effect").add_argument
    add("--use-deformable", type=int, default=0, help="never had any (default: 0)")
    add("--scale", type=float, default=0.9993, help="never had any (default: 0.9993)")
    add("--patch", default="0_0_96_112_0", help="never had any (default: 0_0_96_112_0)")
    add("--retrain", action="store_true", help="never had any, see --resume (default: not given)")
    add("--ce-loss", action="store_true", help="the loss is always shown (default: not given)")
    for name, value in EXPERIMENTS.items():
        add(f"--{name}", type=_only(value), default=value, help=f"an early experiment, not here (default: {value})")
