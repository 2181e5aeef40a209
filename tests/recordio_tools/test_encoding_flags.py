import argparse

import pytest

from insightrec.recordio_tools.encoding_flags import add_encoding_flags, encoding_quality


@pytest.mark.parametrize(
    ("given", "encoding", "quality"),
    [
        ([], ".jpg", 95),
        (["--quality", "1"], ".jpg", 1),
        (["--encoding", ".png"], ".png", 9),
        (["--encoding", ".png", "--quality", "0"], ".png", 0),
    ],
)
def test_quality_by_encoding(given, encoding, quality):
    parser = argparse.ArgumentParser()
    add_encoding_flags(parser, "faces")
    args = parser.parse_args(given)
    assert (args.encoding, encoding_quality(parser, args)) == (encoding, quality)


@pytest.mark.parametrize("given", [["--quality", "0"], ["--quality", "101"], ["--encoding", ".png", "--quality", "10"]])
def test_quality_out_of_range(given, capsys):
    parser = argparse.ArgumentParser()
    add_encoding_flags(parser, "faces")
    with pytest.raises(SystemExit):
        encoding_quality(parser, parser.parse_args(given))
    assert "--quality: expected" in capsys.readouterr().err
