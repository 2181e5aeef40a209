import pytest

from insightrec.megaface.noise_list import (
    NoiseList,
    distractor_names,
    match_noises,
    person_of,
    probe_names,
    read_noise_list,
)
from insightrec.recordio_tools.errors import ListError


@pytest.fixture
def read(tmp_path):
    def read(data):
        (tmp_path / "noises.txt").write_bytes(data)
        return read_noise_list(tmp_path / "noises.txt")

    return read


def test_comments_repeats_and_tabs(read):
    noises = read(b"#rules\nA_1.png\n\nB_2.png\r\nA_1.png\n0.71\tC_3.png\n #x\n")
    assert noises == NoiseList(["A_1.png", "B_2.png", "C_3.png"], 1)


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", "found an empty file"),
        (b" \n\n", "found an empty file"),
        (b"a\n0.5\t\tx\n", "line 2: expected a name, found"),
        (b"a\0\n", "found UTF-16 or binary data; save it as UTF-8"),
        ("a\n".encode("utf-16"), "found UTF-16"),
        ("\u3042".encode("utf-16"), "found UTF-16"),
        ("a\n".encode("utf-16-be"), "found UTF-16"),
    ],
)
def test_what_is_wrong_is_named(read, data, found):
    with pytest.raises(ListError, match=rf"noises\.txt: .*{found}"):
        read(data)


def test_no_such_list(tmp_path):
    with pytest.raises(ListError, match="No such file"):
        read_noise_list(tmp_path / "noises.txt")


def test_probes_match_by_file_name():
    paths = ["A/A_1.png", "B/B_2.png", "copy/A_1.png"]
    match = match_noises(["A_1.png", "C_3.png"], paths, probe_names)
    assert match.noisy.tolist() == [True, False, True]
    assert (match.found, match.absent) == (["A_1.png"], ["C_3.png"])


def test_a_probe_with_its_folder_is_that_person_s_alone():
    paths = ["ann/1.jpg", "bob/1.jpg", "x/bob/2.jpg", "ann/2.jpg"]
    match = match_noises(["bob/1.jpg", "/data/bob/2.jpg", "cid/2.jpg"], paths, probe_names)
    assert match.noisy.tolist() == [False, True, True, False]
    assert (match.found, match.absent) == (["bob/1.jpg", "/data/bob/2.jpg"], ["cid/2.jpg"])


def test_comments_alone_name_nothing(read):
    assert read(b"# nothing found\n") == NoiseList([], 0)
    assert not match_noises([], ["a/1.jpg"], probe_names).noisy.any()


def test_distractors_match_by_three_parts():
    paths = ["375/3@N0/1_0.jpg", "x/375/3@N0/2_0.jpg", "4@N0/1_0.jpg", "376/3@N0/1_0.jpg"]
    match = match_noises(["375/3@N0/1_0.jpg", "a/b/375/3@N0/2_0.jpg", "1_0.jpg"], paths, distractor_names)
    assert match.noisy.tolist() == [True, True, False, False]
    assert match.absent == ["1_0.jpg"]


def test_a_person_with_dots():
    assert person_of("Robert_Downey_Jr._49395.png") == "Robert_Downey_Jr."
    assert person_of("x/Robert_Downey_Jr./9.png") == "Robert_Downey_Jr."
