"""Opening an index of 5.8 million keys (the size of MS1MV2), time and memory, against MXNet's reader."""

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from side_by_side import record

KEYS = 5_822_653 + 85_742 + 1  # images, identities, header of MS1MV2
RUNS = 7

# Each opening runs in a process of its own: memory that a process has used it does not give back.
OURS = """
from insightrec.recordio_tools.record_index import RecordIndex
def open_index(path):
    return RecordIndex.read(path)
"""
MXNET = """
from insightrec.deploy.mxnet_import import import_mxnet
mx = import_mxnet()
def open_index(path):
    return mx.recordio.MXIndexedRecordIO(path, path, "r")
"""
MEASURE = """
import json, sys, time
def peak():  # ru_maxrss would count what the parent held when it started this process
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) / 1024
before, start = peak(), time.process_time()
index = open_index(sys.argv[1])
print(json.dumps([time.process_time() - start, peak() - before]))
"""


def main():
    """Write the index, open it both ways in turn."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "train.idx"
        sizes = np.random.default_rng(0).integers(500, 4000, KEYS) * 4
        offsets = np.cumsum(sizes) - sizes
        with open(path, "w") as file:
            file.writelines(f"{key}\t{offset}\n" for key, offset in enumerate(offsets.tolist()))
        results = {code: [] for code in (OURS, MXNET)}
        for _ in range(RUNS + 1):
            for code, found in results.items():
                command = [sys.executable, "-c", code + MEASURE, str(path)]
                found.append(json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout))
    ours, mxnet = ([statistics.median(column) for column in zip(*found[1:])] for found in results.values())
    record(
        "record_index",
        f"open {KEYS} keys",
        ours[0],
        mxnet[0],
        incumbent_name="mxnet",
        runs=RUNS,
        ours_mb=round(ours[1]),
        incumbent_mb=round(mxnet[1]),
    )


if __name__ == "__main__":
    main()
