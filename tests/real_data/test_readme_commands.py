"""The README's way from a folder of photos to a verified model, its commands run as they stand there."""

import os
import re
import resource
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from insightrec.deploy.mtcnn_weights import load_networks
from insightrec.recordio_tools.errors import InputError

README = Path(__file__).resolve().parents[2] / "README.md"
SECTION = "## From a folder of photos to a verified model"
TOOLS = ["align_faces", "pairs2bin", "face2rec", "train", "to_onnx", "verification"]
MOST_OF_A_PERSON = 12
CANVAS = 250  # pixels a side of the made photos

pytestmark = [
    pytest.mark.mxnet,
    pytest.mark.skipif("INSIGHTREC_SLOW" not in os.environ, reason="takes minutes; set INSIGHTREC_SLOW=1 to run it"),
]


def commands():
    """The lines of the section's first block."""
    section = README.read_text(encoding="utf-8").partition(f"\n{SECTION}\n")[2]
    return re.search(r"^```\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)[1].splitlines()


def photo_of(crop, rng):
    """An aligned crop enlarged, turned and moved, on blotches of colour: uint8 (250, 250, 3)."""
    matrix = cv2.getRotationMatrix2D((56, 56), rng.uniform(-20, 20), rng.uniform(0.8, 1.4))
    matrix[:, 2] += CANVAS / 2 - 56 + rng.uniform(-30, 30, 2)
    blotches = rng.integers(60, 200, (5, 5, 3), np.uint8)
    background = cv2.resize(blotches, (CANVAS, CANVAS), interpolation=cv2.INTER_CUBIC)
    return cv2.warpAffine(crop, matrix, (CANVAS, CANVAS), dst=background, borderMode=cv2.BORDER_TRANSPARENT)


def cpu_seconds():
    """Of all commands so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@pytest.fixture
def folder(mx, data, tmp_path):
    """What the commands begin with: a folder ``photos`` of 60 people, and the released model."""
    try:
        load_networks()
    except InputError as reason:
        pytest.skip(str(reason))
    rng = np.random.default_rng(0)
    for person in sorted((data / "records" / "lfw60" / "aligned").iterdir()):
        (tmp_path / "photos" / person.name).mkdir(parents=True)
        for path in sorted(person.iterdir())[:MOST_OF_A_PERSON]:
            photo = photo_of(cv2.imread(str(path)), rng)
            cv2.imwrite(str(tmp_path / "photos" / person.name / path.name), photo)
    (tmp_path / "model-y1-test2").symlink_to(data / "models" / "mobilefacenet_y1", target_is_directory=True)
    return tmp_path


def test_from_a_folder_of_photos_to_a_verified_model(folder):
    assert [line.split()[:2] for line in commands()] == [["insightrec", tool] for tool in TOOLS]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    printed = {}
    for tool, line in zip(TOOLS, commands()):
        before = cpu_seconds()
        done = subprocess.run(
            line, shell=True, cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True
        )
        print(f"$ {line}\n{done.stdout}({cpu_seconds() - before:.0f} CPU-seconds)\n", flush=True)
        assert done.returncode == 0, done.stderr
        printed[tool] = done.stdout
    photos = len(list((folder / "photos").glob("*/*")))
    aligned = int(re.search(r"^  aligned +(\d+)$", printed["align_faces"], re.MULTILINE)[1])
    assert 0.98 * photos < aligned <= photos
    held_out = [line for line in (folder / "held_out.txt").read_text().splitlines() if not line.startswith("#")]
    assert len(held_out) == 25
    accuracies = [float(share) for share in re.findall(r"\]Accuracy-Flip: ([\d.]+)", printed["verification"])]
    print(f"{aligned} of {photos} faces aligned, accuracy {accuracies[0]} before and {accuracies[1]} after")
    assert len(accuracies) == 2
    assert min(accuracies) > 0.9
