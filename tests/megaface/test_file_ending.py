import argparse

import pytest

from insightrec.megaface.file_ending import ending


@pytest.mark.parametrize("text", ["", "_m.bin", ".bin", "_a b.bin"])
def test_the_end_of_a_name(text):
    assert ending(text) == text


@pytest.mark.parametrize("text", ["/../../x", "a/b", "\0", ".."])
def test_what_leaves_the_folder(text):
    with pytest.raises(argparse.ArgumentTypeError, match="expected the ending of a file's name, found"):
        ending(text)
