"""The tool on features that the devkit's own programs have scored: their result files byte for byte."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from insightrec.megaface import experiment
from insightrec.megaface.feature_file import write_feature
from insightrec.megaface.packed_store import write_store
from insightrec.megaface.run_experiment import main
from insightrec.recordio_tools.file_hash import sha256

CASES = "ABCFHKL"
LAYOUTS = {"files": [], "packed": ["--workers", "2", "--block", "97"]}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("case", CASES)
def test_result_files_and_score_matrices(data, tmp_path, monkeypatch, capsys, case, layout):
    monkeypatch.setattr(experiment, "experiment_plot", lambda outcome, title: b"")
    folder = data / "megaface_devkit" / case
    facts = json.loads((data / "megaface_devkit" / "index.json").read_text())[case]
    size = facts["num_distractors_argument"]  # of case F the list is longer, and the first so many count
    shutil.copy(folder / "probe_list.json", tmp_path / "facescrub_features_list.json")
    shutil.copy(folder / "distractor_list.json", tmp_path / f"megaface_features_list.json_{size}_1")
    for name, list_name in (("probes", "probe_list"), ("distractors", "distractor_list")):
        features = np.load(folder / f"{name}.npy")
        paths = json.loads((folder / f"{list_name}.json").read_text())["path"]
        if layout == "packed":
            write_store(tmp_path / name, [features], paths, features.shape[1])
        else:
            for path, feature in zip(paths, features):
                write_feature(tmp_path / name / f"{path}_net.bin", feature)
    out = tmp_path / "out"
    arguments = [f"{tmp_path}/distractors", f"{tmp_path}/probes", "_net.bin", f"{out}", "-s", f"{size}"]
    arguments += ["-p", f"{tmp_path}/facescrub_features_list.json", "-dlp", f"{tmp_path}", "--score-matrices"]
    main(arguments + LAYOUTS[layout])

    assert f"\nRank 1: {facts['stdout_rank1']:f}\n" in capsys.readouterr().out
    for kind in ("cmc", "matches"):
        found = (out / f"{kind}_facescrub_megaface_net_{size}_1.json").read_bytes()
        assert found == (folder / f"{kind}.json").read_bytes(), kind
    assert sha256(out / "otherFiles" / "facescrub_facescrub_net.bin") == facts["pp.bin.sha256"]
    assert sha256(out / "otherFiles" / f"facescrub_megaface_net_{size}_1.bin") == facts["pd.bin.sha256"]


def test_fgnet_as_probes_and_the_devkits_lists(data, tmp_path, monkeypatch):
    monkeypatch.setattr(experiment, "experiment_plot", lambda outcome, title: b"")
    lists = data / "megaface_lists"
    for name, file in (("probes", "fgnet_feature_list.json"), ("distractors", "megaface_features_list.json_1000_1")):
        paths = json.loads((lists / file).read_text())["path"]
        random = np.random.default_rng(len(paths))
        write_store(tmp_path / name, [random.standard_normal((len(paths), 32))], paths, 32)
    arguments = [f"{tmp_path}/distractors", f"{tmp_path}/probes", "_net.bin", f"{tmp_path}/out", "-s", "1000"]
    main([*arguments, "-p", f"{lists}/fgnet_feature_list.json", "-dlp", f"{lists}"])
    exact = json.loads(Path(tmp_path, "out", "exact_fgnet_megaface_net_1000_1.json").read_text())
    assert (exact["people"], exact["probe_list"]["images"], exact["distractors"]) == (82, 975, 1000)
