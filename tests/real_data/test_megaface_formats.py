"""The devkit's own lists, score matrices and result files, read and written again."""

import json
import re

import numpy as np
import pytest

from insightrec.megaface.devkit_json import to_devkit_json
from insightrec.megaface.feature_file import read_matrix
from insightrec.megaface.noise_list import distractor_names, match_noises, person_of, read_noise_list
from insightrec.megaface.remove_noises import describe_match, read_part
from insightrec.megaface.template_list import read_template_list, write_template_list

CASES = "ABCFHKL"


def test_result_files_are_written_as_they_are_read(data):
    files = sorted((data / "megaface_lists" / "public_results").glob("*.json"))
    files += [data / "megaface_devkit" / case / name for case in CASES for name in ("cmc.json", "matches.json")]
    assert len(files) == 16
    for file in files:
        text = file.read_bytes()
        assert to_devkit_json(json.loads(text)) == text, file


@pytest.mark.parametrize("case", CASES)
def test_score_matrices_are_read(data, case):
    for file in (data / "megaface_devkit" / case).glob("p?.bin"):
        matrix = read_matrix(file)
        assert matrix.dtype == np.float32
        assert len(matrix) == len(np.load(file.with_name("probes.npy"), mmap_mode="r"))
        assert matrix.tobytes() == file.read_bytes()[16:]


def test_facescrub_lists(data, tmp_path):
    cropped = read_template_list(data / "megaface_lists" / "facescrub_features_list.json", ids_required=True)
    assert (len(cropped.paths), len(set(cropped.ids))) == (3530, 80)
    assert all(path.startswith(f"{name}/{name}_") for path, name in zip(*cropped))
    source = data / "megaface_lists" / "facescrub_uncropped_features_list.json"
    uncropped = read_template_list(source, ids_required=True)
    assert uncropped.ids == cropped.ids
    assert "Michael Landes/Michael Landes_43667.jpg" in uncropped.paths
    # This list has its keys in order, so the devkit's script would write it again as it is.
    write_template_list(tmp_path / "again.json", uncropped)
    assert (tmp_path / "again.json").read_bytes() == source.read_bytes()


def test_fgnet_list(data):
    templates = read_template_list(data / "megaface_lists" / "fgnet_feature_list.json", ids_required=True)
    assert (len(templates.paths), len(set(templates.ids))) == (975, 82)


@pytest.mark.parametrize("size", [10, 100, 1000, 10000])
def test_distractor_lists(data, size):
    templates = read_template_list(data / "megaface_lists" / f"megaface_features_list.json_{size}_1")
    assert len(templates.paths) == size
    assert templates.ids is None
    assert all(re.fullmatch(r"(\d{3})/\1\d+@N\d\d/\d+_\d+\.jpg", path) for path in templates.paths)


def test_noise_lists_match_as_known(data):
    lists = data / "megaface_lists"
    noises = read_noise_list(lists / "facescrub_noises.txt")
    assert (len(noises.names), noises.repeats) == (605, 0)
    probes = lists / "facescrub_features_list.json"
    part = read_part("facescrub", probes, lists / "facescrub_noises.txt")
    match = part.match
    assert (len(match.found), match.noisy.sum(), len({person_of(name) for name in match.found})) == (24, 24, 18)
    assert "518 are of people whom the list of 80 people has not, 63 are other images of its people" in describe_match(
        part
    )
    uncropped = lists / "facescrub_uncropped_features_list.json"  # the same people, with blanks in their names
    assert "518 are of people whom the list of 80 people has not, 87 are" in describe_match(
        read_part("facescrub", uncropped, lists / "facescrub_noises.txt")
    )
    fgnet = read_part("facescrub", lists / "fgnet_feature_list.json", lists / "facescrub_noises.txt")
    assert "605 are of people whom the list of 82 people has not, 0 are" in describe_match(fgnet)
    noises = read_noise_list(lists / "megaface_noises.txt")
    assert (len(noises.names), noises.repeats) == (707, 12)
    for size, found in ((10, 0), (100, 0), (1000, 0), (10000, 7)):
        distractors = read_template_list(lists / f"megaface_features_list.json_{size}_1").paths
        assert match_noises(noises.names, distractors, distractor_names).noisy.sum() == found
