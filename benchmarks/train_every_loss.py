"""Train a small network from scratch under every loss, on drawn faces, and verify it on other identities.

Not a timing: it shows that every loss of the table trains, on one CPU core in a minute or two each. The network is
MobileNetV1 at a quarter of its width on 32x32 images, the same seed, batches and steps for all; rows go to
``results/every_loss.csv``. Small networks stall under a full margin from the start, hence the margin-free steps.
"""

import argparse
import csv
import re
import resource
import subprocess
import sys
from pathlib import Path

from side_by_side import RESULTS

from insightrec.train.losses.loss_table import ENTRIES

SET = "set"
STEPS = 150
EVERY = ["--network", "m1", "--version-multiplier", "0.25", "--emb-size", "128", "--image-size", "32,32"]
EVERY += ["--per-batch-size", "64", "--target", "synthetic", "--verify-first", "--max-steps", str(STEPS)]
EVERY += ["--verbose", str(STEPS), "--seed", "0", "--overwrite"]
MARGIN = "--margin-m 0.3 --margin-s 16 --softmax-steps 50 --margin-warmup-steps 50"
BY_KIND = {"classes": MARGIN, "identities": "--images-per-identity 4", "triplets": "--triplet-bag-size 400 --lr 0.05"}
BY_NAME = {
    "softmax": "",
    "center": "",
    "sphereface": "--margin 2 --beta 100",
    "lsoftmax": "--margin 2 --beta 100",
    "multiplicative_angle": "--margin 2 --margin-s 16 --softmax-steps 50 --margin-warmup-steps 50",
    "combined": f"{MARGIN} --margin-a 0.9 --margin-m 0.2 --margin-b 0.1",
    "combined_monotone": f"{MARGIN} --margin-a 0.9 --margin-m 0.2 --margin-b 0.1",
    "arcface_intra": f"{MARGIN} --margin-b 0.5",
    "arcface_inter": f"{MARGIN} --margin-b 0.5",
    "npair": "--images-per-identity 2",
}


def make_set(folder):
    """The demo's set: 80 identities of 12 images, and a pack of 60 others."""
    insightrec = [sys.executable, "-m", "insightrec.recordio_tools.insightrec_command"]
    held_out = ["--first-identity", "80", "--identities", "60", "--images", "10", "--pairs", f"{folder}/pairs.txt"]
    for command in (
        ["draw_faces", "--output", f"{folder}/aligned", "--identities", "80", "--images", "12", "--seed", "0"],
        ["draw_faces", "--output", f"{folder}/held_out", *held_out, "--folds", "10", "--pairs-per-fold", "30"],
        ["face2rec", "--root", f"{folder}/aligned"],
        ["pairs2bin", "--kind", "lfw", "--pairs", f"{folder}/pairs.txt", "--root", f"{folder}/held_out"]
        + ["--output", f"{folder}/synthetic.bin"],
    ):
        subprocess.run([*insightrec, *command], check=True)


def train(entry, folder):
    """One loss from scratch; returns its row."""
    flags = BY_NAME.get(entry.name, BY_KIND[entry.kind])
    command = [sys.executable, "-m", "insightrec.train.train", "--loss", entry.name, "--data-dir", f"{folder}/{SET}"]
    command += ["--prefix", f"{folder}/models/{entry.name}", *EVERY, *flags.split()]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    untrained, trained = re.findall(r"\[synthetic\]\[\d+\]Accuracy-Flip: ([\d.]+)", output)
    return {
        "loss": entry.name,
        "number": entry.number,
        "flags": flags,
        "steps": STEPS,
        "untrained_accuracy": untrained,
        "accuracy": trained,
        "cpu_s": round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime),
    }


def main():
    """Train the losses asked for and write their rows, keeping those of others."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", default="every-loss", help="folder to work in (default: every-loss)")
    parser.add_argument("--losses", default="", help="names, separated by commas (default: all)")
    args = parser.parse_args()
    if not Path(args.folder, SET).is_dir():
        make_set(f"{args.folder}/{SET}")
    path = RESULTS / "every_loss.csv"
    rows = {}
    if path.exists():
        with open(path, newline="", encoding="utf-8") as file:
            rows = {row["loss"]: row for row in csv.DictReader(file)}
    for entry in ENTRIES:
        if args.losses and entry.name not in args.losses.split(","):
            continue
        rows[entry.name] = row = train(entry, args.folder)
        print(", ".join(f"{name} {value}" for name, value in row.items()), flush=True)
        with open(path, "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, row)
            writer.writeheader()
            writer.writerows(rows[name] for name in (entry.name for entry in ENTRIES) if name in rows)


if __name__ == "__main__":
    main()
