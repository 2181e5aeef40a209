import argparse

import pytest

from insightrec.deploy.alignment_flags import add_image_size, add_mtcnn, add_run_flags, folder_path
from insightrec.recordio_tools.usable_cores import usable_cores


@pytest.fixture
def parse():
    parser = argparse.ArgumentParser()
    for add in (add_image_size, add_mtcnn, add_run_flags):
        add(parser)
    parser.add_argument("--folder", type=folder_path, default=argparse.SUPPRESS)
    return lambda *words: vars(parser.parse_args(words))


def test_defaults(parse):
    assert parse() == {
        "image_size": (112, 112),
        "mtcnn": None,
        "processes": usable_cores(),
        "resume": False,
        "overwrite": False,
    }


def test_what_is_given(parse):
    found = parse("--image-size", "112,96", "--mtcnn", "w", "--processes", "3", "--resume")
    assert tuple(found.values()) == ((112, 96), "w", 3, True, False)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--image-size", "100,100"), "expected 112,112 or 112,96, for which there is a template, found '100,100'"),
        (("--image-size", "112"), "expected height,width"),
        (("--folder", ""), "argument --folder: expected a folder, found an empty name"),
        (("--processes", "0"), "expected a whole number, 1 or more"),
        (("--resume", "--overwrite"), "not allowed with argument"),
    ],
)
def test_what_is_refused(parse, words, said, capsys):
    with pytest.raises(SystemExit):
        parse(*words)
    assert said in capsys.readouterr().err
