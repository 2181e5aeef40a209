"""The experiment on a million made distractors: memory, CPU-seconds and disk, in ``results/million_distractors.csv``.

Features are seeded random directions: each person of the probes has one, and its images lie around it. The probes are
as many as FaceScrub's, 3,530 of 80 people; distractors stand in a packed store in a temporary folder (2 GB).
"""

import argparse
import csv
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from side_by_side import RESULTS

from insightrec.deploy.timing_origin import timing_origin
from insightrec.megaface.packed_store import write_store
from insightrec.megaface.template_list import TemplateList, write_template_list

PEOPLE, PROBES = 80, 3530
SPREAD = 1.6  # of a person's images around the person: rank-1 is then neither 0 nor 1
BLOCK = 10000


def unit(rows):
    """Rows of length 1."""
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def make_features(folder, count, dimension):
    """Stores and lists of probes and distractors."""
    random = np.random.default_rng(0)
    person = np.arange(PROBES) * PEOPLE // PROBES
    centers = random.standard_normal((PEOPLE, dimension), np.float32)
    probes = unit(centers[person] + SPREAD * random.standard_normal((PROBES, dimension), np.float32))
    ids = [f"Person_{number:02d}" for number in person]
    paths = [f"{name}/{name}_{place}.png" for place, name in enumerate(ids)]
    write_store(folder / "probes", [probes], paths, dimension, ids=ids)
    write_template_list(folder / "facescrub_features_list.json", TemplateList(paths, ids))
    paths = [f"{place % 1000:03d}/{place % 1000:03d}{place:05d}@N00/{place:010d}_0.jpg" for place in range(count)]
    blocks = (
        unit(random.standard_normal((min(BLOCK, count - start), dimension), np.float32))
        for start in range(0, count, BLOCK)
    )
    write_store(folder / "distractors", blocks, paths, dimension)
    write_template_list(folder / f"megaface_features_list.json_{count}_1", TemplateList(paths))


def megabytes(folder, pattern):
    """Of the files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob(pattern) if path.is_file()) / 1e6


def main():
    """Make features, run the tool, and record what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000000, help="distractors (default: 1000000)")
    parser.add_argument("--dimension", type=int, default=512, help="numbers of a feature (default: 512)")
    parser.add_argument("--mode", default="exact", help="exact or fast (default: exact)")
    parser.add_argument("--workers", type=int, default=1, help="threads (default: 1)")
    parser.add_argument("--folder", help="where the temporary folder is made (default: the system's)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=args.folder) as name:
        folder = Path(name)
        make_features(folder, args.count, args.dimension)
        command = [sys.executable, "-m", "insightrec.megaface.run_experiment", str(folder / "distractors")]
        command += [str(folder / "probes"), "_made.bin", str(folder / "out"), "--sizes", str(args.count)]
        command += ["--probe-list", str(folder / "facescrub_features_list.json"), "--distractor-list-path", str(folder)]
        command += ["--mode", args.mode, "--workers", str(args.workers)]
        start = time.monotonic()
        subprocess.run(command, check=True)
        wall = time.monotonic() - start
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        row = {
            "distractors": args.count,
            "dimension": args.dimension,
            "probes": PROBES,
            "mode": args.mode,
            "workers": args.workers,
            "cpu_s": f"{used.ru_utime + used.ru_stime:.1f}",
            "wall_s": f"{wall:.1f}",
            "peak_mb": f"{used.ru_maxrss * 1024 / 1e6:.0f}",
            "features_mb": f"{megabytes(folder, '*.npy'):.0f}",
            "written_mb": f"{megabytes(folder / 'out', '*'):.0f}",
            **timing_origin(["numpy"]),
        }
    print("  ".join(f"{name} {value}" for name, value in row.items()))
    path = RESULTS / "million_distractors.csv"
    new = not path.exists()
    with open(path, "a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, row, lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow(row)


if __name__ == "__main__":
    main()
