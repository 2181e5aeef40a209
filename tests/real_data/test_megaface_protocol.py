"""The three steps of MegaFace on photos: align, features with de-duplication, identification before and after."""

import csv
import json

import cv2
import numpy as np
import pytest

from insightrec.megaface import align_facescrub, align_megaface, find_duplicates, gen_megaface, remove_noises
from insightrec.megaface import run_experiment as experiment
from insightrec.recordio_tools.face_alignment import template

PERSONS, PROBES_EACH, DISTRACTORS = 12, 5, 60
CANVAS = 220  # pixels a side of the made photos


def place_face(path, rng):
    """A photo that holds an aligned face, enlarged, turned and moved: ``(image, matrix)``, matrix (2, 3)."""
    face = cv2.imread(str(path))
    matrix = cv2.getRotationMatrix2D((56, 56), rng.uniform(-15, 15), rng.uniform(1.1, 1.5))
    matrix[:, 2] += CANVAS / 2 - 56
    coarse = rng.integers(60, 200, (5, 5, 3)).astype(np.uint8)
    background = cv2.resize(coarse, (CANVAS, CANVAS), interpolation=cv2.INTER_CUBIC)
    size = (CANVAS, CANVAS)
    return cv2.warpAffine(face, matrix, size, dst=background, borderMode=cv2.BORDER_TRANSPARENT), matrix


@pytest.fixture(scope="module")
def trees(data, tmp_path_factory):
    """FaceScrub's and MegaFace's folders as they come, with planted duplicates and bad files."""
    root, rng = tmp_path_factory.mktemp("protocol"), np.random.default_rng(0)
    people = sorted(folder for folder in (data / "records/lfw60/aligned").iterdir() if len(list(folder.iterdir())) >= 8)
    boxes, uncropped, cropped, spare = ["name\timage_id\tface_id\turl\tbbox\tsha256"], [], [], []
    for folder in people[:PERSONS]:
        name, files = folder.name.replace("_", " "), sorted(folder.iterdir())
        (root / "scrub/facescrub" / name).mkdir(parents=True)
        for number, file in enumerate(files[:PROBES_EACH]):
            image, matrix = place_face(file, rng)
            cv2.imwrite(str(root / f"scrub/facescrub/{name}/{name}_{number}.jpg"), image)
            corners = np.array([[8, 8], [104, 8], [8, 104], [104, 104]]) @ matrix[:, :2].T + matrix[:, 2]
            box = ",".join(map(str, np.concatenate([corners.min(0), corners.max(0)]).round().astype(int)))
            boxes.append(f"{name}\t0\t{number}\turl\t{box}\tsha")
            uncropped.append(f"{name}/{name}_{number}.jpg")
            cropped.append(f"{folder.name}/{folder.name}_{number}.png")
        spare += [(folder.name, file) for file in files[PROBES_EACH : PROBES_EACH + 1]]
    (root / "scrub/facescrub_actors.txt").write_text("\n".join(boxes) + "\n")
    (root / "scrub/facescrub_actresses.txt").write_text(boxes[0] + "\n")
    ids = [path.partition("/")[0] for path in cropped]
    for name, paths in (
        ("facescrub_uncropped_features_list.json", uncropped),
        ("facescrub_features_list.json", cropped),
    ):
        (root / "scrub" / name).write_text(json.dumps({"path": paths, "id": ids}))

    others = [file for folder in people[PERSONS:] for file in sorted(folder.iterdir())][:DISTRACTORS]
    planted = {}
    for number, (name, file) in enumerate([(None, file) for file in others] + spare[:6]):
        path = f"{number % 5:03}/{number % 5:03}7@N00/{number}_0.jpg"
        image, matrix = place_face(file, rng)
        (root / "mega" / path).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(root / "mega" / path), image)
        points = template((112, 112))[:3] @ matrix[:, :2].T + matrix[:, 2]
        landmarks = {key: {"x": x, "y": y} for key, (x, y) in zip("102", points.tolist())}
        (root / f"mega/{path}.json").write_text(json.dumps({"landmarks": landmarks}))
        if name:
            planted[path] = name
    first = f"scrub/facescrub/{uncropped[0]}"
    copy = "004/0047@N00/copy_0.jpg"
    cv2.imwrite(str(root / "mega" / copy), cv2.imread(str(root / first))[2:, 2:])
    planted[copy] = ids[0]
    (root / "mega/000/0007@N00/cut_0.jpg").write_bytes((root / first).read_bytes()[:900])
    (root / "mega/001/0017@N00/empty_0.jpg").write_bytes(b"")
    return root, planted


def rank_1(folder):
    (path,) = folder.glob("cmc_*.json")
    return json.loads(path.read_text())["cmc"][1][0]


def test_three_steps_with_and_without_de_duplication(trees, data, tmp_path, capsys):
    root, planted = trees
    align_facescrub.main(
        ["--input-dir", str(root / "scrub"), "--output-dir", str(tmp_path / "probes"), "--mtcnn", str(data / "mtcnn")]
    )
    given = ["--input-dir", str(root / "mega"), "--output-dir", str(tmp_path / "distractors"), "--mtcnn"]
    align_megaface.main([*given, str(data / "mtcnn"), "--on-error", "skip"])
    out = capsys.readouterr()
    assert "cut_0.jpg" in out.err + out.out
    assert "empty_0.jpg" in out.err + out.out
    with open(tmp_path / "distractors/alignment.csv") as file:
        rows = {row["path"]: row for row in csv.DictReader(file)}
    assert sum(row["how"] == "landmarks" for row in rows.values()) >= 0.9 * DISTRACTORS
    assert [path for path, row in rows.items() if not row["how"]] == [
        "000/0007@N00/cut_0.jpg",
        "001/0017@N00/empty_0.jpg",
    ]

    distractors = sorted(path for path, row in rows.items() if row["how"])
    lists = tmp_path / "lists"
    lists.mkdir()
    probe_list = root / "scrub/facescrub_features_list.json"
    (lists / f"megaface_features_list.json_{len(distractors)}_1").write_text(json.dumps({"path": distractors}))
    gen_megaface.main(
        [
            *("--model", str(data / "models/mobilefacenet_y1/model,0"), "--algo", "y1", "--batch-size", "16"),
            *("--facescrub-lst", str(tmp_path / "probes/lst"), "--facescrub-root", str(tmp_path / "probes")),
            *("--megaface-lst", str(tmp_path / "distractors/lst"), "--megaface-root", str(tmp_path / "distractors")),
            *("--output", str(tmp_path / "features")),
        ]
    )
    features = [tmp_path / "features/megaface", tmp_path / "features/facescrub"]
    find_duplicates.main(
        [
            *("--features", str(features[0]), "--list", str(next(lists.iterdir())), "--file-ending", "_y1.bin"),
            *("--probe-features", str(features[1]), "--probe-list", str(probe_list), "--same-person", "0.5"),
            *("--output", str(tmp_path / "noises.txt"), "--report", "--images", str(tmp_path / "distractors")),
        ]
    )
    with open(tmp_path / "noises.txt.csv") as file:
        found = {row["name"]: row for row in csv.DictReader(file) if row["kind"] == "same-person"}
    assert {path: found[path]["counterpart"] for path in planted if path in found} == {
        path: name for path, name in planted.items() if path in found
    }
    assert len(set(planted) & set(found)) >= len(planted) - 1
    assert len(set(found) - set(planted)) <= 1

    (tmp_path / "probe_noises.txt").write_text("# none of the probes\nNobody_Nobody_1.png\n")
    remove_noises.main(
        [
            *("--facescrub-lst", str(probe_list), "--megaface-lst", str(next(lists.iterdir()))),
            *(
                "--facescrub-noises",
                str(tmp_path / "probe_noises.txt"),
                "--megaface-noises",
                str(tmp_path / "noises.txt"),
            ),
            *("--feature-dir-input", str(tmp_path / "features"), "--feature-dir-out", str(tmp_path / "clean")),
            *("--algo", "y1"),
        ]
    )
    results = {}
    for name in ("features", "clean"):
        experiment.main(
            [
                *map(
                    str,
                    (tmp_path / name / "megaface", tmp_path / name / "facescrub", "_y1.bin", tmp_path / f"r_{name}"),
                ),
                *("-s", str(len(distractors)), "-p", str(probe_list), "-dlp", str(lists)),
            ]
        )
        results[name] = rank_1(tmp_path / f"r_{name}")
    assert results["features"] < results["clean"]
    assert results["clean"] > 0.95
