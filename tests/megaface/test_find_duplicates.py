import csv
import json

import numpy as np
import pytest
from stand_ins.pixel_embedder import PixelEmbedder

from insightrec.megaface import find_duplicates
from insightrec.megaface.feature_file import write_feature
from insightrec.megaface.noise_list import read_noise_list
from insightrec.megaface.packed_store import write_store
from insightrec.recordio_tools import face2rec
from insightrec.recordio_tools.image_codec import encode_rgb
from insightrec.recordio_tools.verification_pack import write_pack

PROBES = {f"{name}/{name}_{place}.png": name for name in ("ann", "bob") for place in range(4)}


@pytest.fixture
def features(tmp_path):
    """Probes of two persons and 50 distractors; 7 is a photo of bob's, 9 nearly the same image as one of ann's."""
    rng = np.random.default_rng(0)
    persons = {"ann": rng.normal(size=64), "bob": rng.normal(size=64)}
    rows = {path: persons[name] + rng.normal(size=64) * 0.7 for path, name in PROBES.items()}
    others = {f"{place:03}/u@N00/{place}_0.jpg": rng.normal(size=64) for place in range(50)}
    names = list(others)
    others[names[7]] = persons["bob"] + rng.normal(size=64) * 0.6
    others[names[9]] = rows["ann/ann_2.png"] + rng.normal(size=64) * 0.05
    (tmp_path / "probes.json").write_text(json.dumps({"path": list(PROBES), "id": list(PROBES.values())}))
    (tmp_path / "distractors.json").write_text(json.dumps({"path": names}))
    for folder, group in (("probes", rows), ("distractors", others)):
        for path, row in group.items():
            write_feature(tmp_path / folder / f"{path}_m.bin", row)
    write_store(tmp_path / "packed", np.array(list(others.values()), np.float32), names, 64)
    return tmp_path, names


def arguments(folder, output, **changes):
    values = {
        "features": folder / "distractors",
        "list": folder / "distractors.json",
        "probe-features": folder / "probes",
        "probe-list": folder / "probes.json",
        "file-ending": "_m.bin",
        "same-person": 0.6,
        "output": folder / output,
        **changes,
    }
    return [str(part) for name, value in values.items() if value is not None for part in (f"--{name}", value)]


def test_planted_duplicates_are_found(features, capsys):
    folder, names = features
    find_duplicates.main([*arguments(folder, "noises.txt"), "--report"])
    lines = (folder / "noises.txt").read_text().splitlines()
    assert lines[0].startswith("# ")
    assert [line.split("\t")[1] for line in lines[1:]] == [names[7], names[9]]
    with open(folder / "noises.txt.csv") as file:
        rows = {(row["name"], row["kind"]): row["counterpart"] for row in csv.DictReader(file)}
    assert rows[names[7], "same-person"] == "bob"
    assert rows[names[9], "near-identical"] == "ann/ann_2.png"
    assert (folder / "noises.txt.html").read_bytes().startswith(b"<!DOCTYPE html>")
    assert "near-identical        1" in capsys.readouterr().out


def test_a_packed_store_gives_the_same_list(features):
    folder, _ = features
    find_duplicates.main(arguments(folder, "files.txt"))
    find_duplicates.main(arguments(folder, "store.txt", features=folder / "packed", list=None))
    find_duplicates.main(arguments(folder, "matrix.txt", features=folder / "packed.npy", list=None))
    assert (folder / "matrix.txt").read_bytes() == (folder / "store.txt").read_bytes()
    assert (folder / "files.txt").read_bytes() == (folder / "store.txt").read_bytes()


def error_of(capsys, arguments):
    with pytest.raises(SystemExit) as stopped:
        find_duplicates.main(arguments)
    assert stopped.value.code == 2
    return capsys.readouterr().err.splitlines()[-1]


def test_bad_input_is_one_line(features, capsys):
    folder, names = features
    assert "--pack need a --model" in error_of(
        capsys, arguments(folder, "o", pack="lfw.bin", **{"probe-features": None})
    )
    assert "either --features or --train-set" in error_of(capsys, arguments(folder, "o", features=None))
    assert "expected a number, -1 to 1" in error_of(capsys, arguments(folder, "o", **{"same-person": 2}))
    assert "give the list too" in error_of(capsys, arguments(folder, "o", list=None))
    assert "person of each probe" in error_of(
        capsys,
        arguments(folder, "o", **{"probe-list": folder / "distractors.json", "probe-features": folder / "packed"}),
    )
    (folder / "distractors" / f"{names[3]}_m.bin").unlink()
    assert "1 missing" in error_of(capsys, arguments(folder, "o"))
    write_feature(folder / "distractors" / f"{names[3]}_m.bin", np.ones(8))
    assert "of another size" in error_of(capsys, arguments(folder, "o"))
    (folder / "o.csv").write_text("mine")
    assert "exists already" in error_of(capsys, arguments(folder, "o"))
    assert not (folder / "o").exists()


def test_what_is_refused_before_the_search(features, capsys, monkeypatch):
    folder, _ = features
    monkeypatch.setattr(find_duplicates, "search_images", None)
    assert "expected the name of a file to write, found a folder" in error_of(capsys, arguments(folder, ""))
    for flag in ("images", "probe-images"):
        given = arguments(folder, "o", **{flag: folder / "absent"})
        assert "absent: expected a folder of aligned images, found none" in error_of(capsys, given)
    assert "argument --gpu" in error_of(capsys, arguments(folder, "o", gpu=-2))
    assert "argument --file-ending" in error_of(capsys, arguments(folder, "o", **{"file-ending": "/x"}))


def test_a_list_without_candidates_is_a_noise_list(features):
    folder, _ = features
    find_duplicates.main(arguments(folder, "none.txt", **{"same-person": 1, "near-identical": 1}))
    assert read_noise_list(folder / "none.txt").names == []


@pytest.fixture
def training_set(tmp_path, monkeypatch):
    """Five identities of 3 images of 16x16 each; the third one's are in a pack too."""
    monkeypatch.setattr(find_duplicates, "open_embedder", lambda *_, **__: PixelEmbedder())
    rng, packed = np.random.default_rng(1), []
    for person in range(5):
        folder = tmp_path / "aligned" / f"p{person}"
        folder.mkdir(parents=True)
        face = rng.integers(0, 256, (16, 16, 3))
        for place in range(4):
            noisy = np.clip(face + rng.normal(size=face.shape) * 20, 0, 255).astype(np.uint8)
            if place < 3:
                (folder / f"{place}.jpg").write_bytes(encode_rgb(noisy))
            elif person == 2:
                packed = [encode_rgb(noisy), encode_rgb(rng.integers(0, 256, (16, 16, 3), np.uint8))]
    write_pack(tmp_path / "lfw.bin", packed, np.array([False]))
    return tmp_path


def test_training_identities_that_a_pack_has_too_are_left_out(training_set, monkeypatch, capsys):
    folder = training_set
    given = ["--model", "any", "--pack", str(folder / "lfw.bin"), "--report", "--same-person", "0.7"]
    find_duplicates.main([*given, "--train-set", str(folder / "aligned"), "--output", str(folder / "overlap.txt")])
    assert (folder / "overlap.txt").read_text().splitlines()[1].endswith("\tp2")
    with open(folder / "overlap.txt.csv") as file:
        (row,) = csv.DictReader(file)
    assert (row["name"], row["counterpart"], row["kind"]) == ("p2", "image 0", "same-person")
    assert (folder / "overlap.txt.html").read_text().count("data:image") == 2

    face2rec.main(["--root", str(folder / "aligned"), "--image-size", "16,16"])
    find_duplicates.main([*given, "--train-set", str(folder), "--output", str(folder / "labels.txt")])
    assert (folder / "labels.txt").read_text().splitlines()[1].endswith("\t2")

    face2rec.main(
        ["--root", str(folder / "aligned"), "--image-size", "16,16", "--exclude", str(folder / "overlap.txt")]
        + ["--output", str(folder / "kept")]
    )
    assert "identities  4\n" in capsys.readouterr().out
