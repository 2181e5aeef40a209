"""Names are those that the devkit's script gives."""

from pathlib import Path

import pytest

from insightrec.megaface.experiment_names import ExperimentNames, algorithm_name, first_word


def test_names_of_the_devkit():
    names = ExperimentNames(Path("out"), "facescrub", "megaface", "insightface", 1000000, 1)
    assert {name: str(getattr(names, name)) for name in ("probe_list", "distractor_list", "probe_scores")} == {
        "probe_list": "out/otherFiles/facescrub_features_insightface",
        "distractor_list": "out/otherFiles/megaface_features_insightface_1000000_1",
        "probe_scores": "out/otherFiles/facescrub_facescrub_insightface.bin",
    }
    assert str(names.distractor_scores) == "out/otherFiles/facescrub_megaface_insightface_1000000_1.bin"
    assert str(names.result("cmc")) == "out/cmc_facescrub_megaface_insightface_1000000_1.json"


def test_finished_sizes(tmp_path):
    names = ExperimentNames(tmp_path, "facescrub", "megaface", "net[1]", 10, 1)
    for end in ("1000_1", "10_2", "200_1", "10_10_1", "_1", "x_1"):
        path = names.other(f"finished_facescrub_megaface_net[1]_{end}.json")
        path.parent.mkdir(exist_ok=True)
        path.touch()
    assert [(each.size, each.set_number) for each in names.finished_sizes()] == [(10, 2), (200, 1), (1000, 1)]


@pytest.mark.parametrize(
    ("file_ending", "name"),
    [("_insightface.bin", "insightface"), ("_r100_112x112.bin", "r100_112x112"), (".bin", ""), ("_a.b.bin", "a")],
)
def test_the_algorithm_is_named_by_the_ending(file_ending, name):
    assert algorithm_name(file_ending) == name


def test_sets_are_named_by_their_lists():
    assert first_word("a_b/facescrub_uncropped_features_list.json") == "facescrub"
    assert first_word("fgnet_feature_list.json") == "fgnet"
