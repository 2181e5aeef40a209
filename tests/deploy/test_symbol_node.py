import pytest

from insightrec.deploy.symbol_node import Node
from insightrec.recordio_tools.errors import ModelError


def node(**attributes):
    return Node("Pooling", "pool0", attributes, source="net-symbol.json")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(3, 3)", (3, 3)),
        ("(3,3)", (3, 3)),
        ("[3,3]", (3, 3)),
        ("(3L, 3L)", (3, 3)),
        ("(-1,)", (-1,)),
        ("()", ()),
        ("7", (7,)),
        (" ( 1 , 2 ) ", (1, 2)),
        ("None", None),
    ],
)
def test_shape(text, expected):
    assert node(kernel=text).shape("kernel", None) == expected


@pytest.mark.parametrize(
    "text", ["(3, x)", "3, 3)", "(1.5,)", "(1,,2)", "", "(3 3)", "(9999999999999999999,)", "__import__('os')"]
)
def test_not_a_shape(text):
    with pytest.raises(ModelError) as raised:
        node(kernel=text).shape("kernel", None)
    expected = (
        f"net-symbol.json: Pooling node 'pool0': attribute kernel: expected integers such as (3, 3), found {text!r}"
    )
    assert str(raised.value) == expected


def test_integer():
    assert node(axis="-1").integer("axis", 1) == -1
    assert node(axis="12L").integer("axis", 1) == 12
    assert node().integer("axis", 1) == 1
    assert node(axis="None").integer("axis", None) is None
    for text in ("1.0", "x", "", "9" * 5000):
        with pytest.raises(ModelError, match="attribute axis: expected an integer"):
            node(axis=text).integer("axis", 1)


def test_number():
    assert node(eps="2e-05").number("eps", 1e-3) == 2e-5
    assert node().number("eps", 1e-3) == 1e-3
    with pytest.raises(ModelError, match="attribute eps: expected a number, found 'small'"):
        node(eps="small").number("eps", 1e-3)


def test_flag():
    for text in ("True", "true", "1"):
        assert node(no_bias=text).flag("no_bias", False) is True
    for text in ("False", "0"):
        assert node(no_bias=text).flag("no_bias", True) is False
    assert node().flag("no_bias", True) is True
    with pytest.raises(ModelError, match="attribute no_bias: expected True or False, found 'yes'"):
        node(no_bias="yes").flag("no_bias", False)


def test_output_names():
    assert node().output_name(0) == "pool0_output"
    parts = Node("SliceChannel", "slice0", {"num_outputs": "5"})
    assert (parts.output_count, parts.output_name(3)) == (5, "slice0_output3")
    assert Node("null", "data").output_name(0) == "data"
