import pytest

from insightrec.recordio_tools.errors import RecordError
from insightrec.recordio_tools.property_file import SetProperty, read_property


@pytest.mark.parametrize(
    "text", ["85742,112,96", "85742,112,96\n", "\n\n 85742, 112 ,96\r\n", "85742,112,96\n5822653\nshuffled\n2018\n"]
)
def test_the_first_line_counts(tmp_path, text):
    (tmp_path / "property").write_text(text)
    assert read_property(tmp_path) == SetProperty(85742, 112, 96)
    assert str(read_property(tmp_path / "property")) == "85742,112,96"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "85742",
        "85742,112",
        "a,112,112",
        "1,0,112",
        "-1,2,3",
        "1,2,3,4",
        "2147483648,112,112",
        "\u00b2,1,1",
        "\0" * 9999,
    ],
)
def test_anything_else_is_refused(tmp_path, text):
    (tmp_path / "property").write_text(text)
    with pytest.raises(RecordError, match="property: expected 'num_classes,height,width'"):
        read_property(tmp_path)


def test_missing(tmp_path):
    with pytest.raises(RecordError, match="found none; write one"):
        read_property(tmp_path)
