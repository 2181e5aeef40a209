"""Two ways of one job, timed in one run: warm-up, alternating repeats, medians, a row of CSV.

CPU-seconds of the process (all threads) are compared, since machines are shared; what counts is the
ratio. Rows are appended to ``results/<benchmark>.csv`` with the commit, hardware and versions.
"""

import csv
import statistics
import time
from pathlib import Path

from insightrec.deploy.timing_origin import timing_origin

RESULTS = Path(__file__).parent / "results"
PACKAGES = ("numpy", "opencv-python-headless", "onnxruntime", "mxnet")


def compare(benchmark, case, ours, incumbent, *, incumbent_name, runs=5, ours_calls=1, **figures):
    """Time two functions of no arguments; print, record and return incumbent / ours (higher is better).

    ``ours_calls``: calls in one timing of ours, where a single one is too short to time (the figure is
    per call). ``figures`` (name=value) are recorded too.
    """
    ours(), incumbent()
    pairs = [(_cpu_seconds(ours, ours_calls), _cpu_seconds(incumbent)) for _ in range(runs)]
    ours_s, incumbent_s = (statistics.median(column) for column in zip(*pairs))
    return record(benchmark, case, ours_s, incumbent_s, incumbent_name=incumbent_name, runs=runs, **figures)


def record(benchmark, case, ours_s, incumbent_s, *, incumbent_name, runs, **figures):
    """Print and append one result; returns the ratio incumbent / ours."""
    ratio = incumbent_s / ours_s
    origin = timing_origin(PACKAGES)
    row = {
        "date": origin.pop("date"),
        "commit": origin.pop("commit"),
        "case": case,
        "incumbent": incumbent_name,
        "ours_cpu_s": f"{ours_s:.4g}",
        "incumbent_cpu_s": f"{incumbent_s:.4g}",
        "ratio": f"{ratio:.2f}",
        "runs": runs,
        **figures,
        **origin,
    }
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{benchmark}.csv"
    new = not path.exists()
    with open(path, "a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, row)
        if new:
            writer.writeheader()
        writer.writerow(row)
    extra = "".join(f"  {name} {value}" for name, value in figures.items())
    print(f"{case:44} ours {ours_s:8.4f} s  {incumbent_name} {incumbent_s:8.4f} s  ratio {ratio:7.2f}{extra}")
    return ratio


def _cpu_seconds(function, calls=1):
    start = time.process_time()
    for _ in range(calls):
        function()
    return (time.process_time() - start) / calls
