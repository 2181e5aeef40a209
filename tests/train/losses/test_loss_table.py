"""The table of losses: upstream's numbers, names, and what unknown ones get."""

import pytest

from insightrec.recordio_tools.errors import InputError
from insightrec.train.losses.loss_table import ENTRIES, find_loss, loss_table, make_loss

UPSTREAM = [
    *("softmax", "sphereface", "cosface", "multiplicative_angle", "arcface", "combined", "adaptive_arcface"),
    *("random_arcface", "center", "coco", "marginal", "npair", "triplet", "angular_triplet"),
]


def test_upstreams_numbers():
    assert [find_loss(str(number)).name for number in range(14)] == UPSTREAM
    assert find_loss("4") is find_loss("arcface")


def test_names_and_numbers_are_unique():
    names = [entry.name for entry in ENTRIES]
    numbers = [entry.number for entry in ENTRIES if entry.number is not None]
    assert len(set(names)) == len(names)
    assert sorted(numbers) == list(range(14))


@pytest.mark.parametrize("unknown", ["14", "-1", "None", "arc", ""])
def test_an_unknown_loss_lists_what_exists(unknown):
    with pytest.raises(InputError) as refusal:
        find_loss(unknown)
    assert repr(unknown) in str(refusal.value)
    assert all(entry.name in str(refusal.value) for entry in ENTRIES)
    assert "4 arcface" in str(refusal.value)


def test_the_table_shows_every_loss_with_its_formula_flags_and_paper():
    lines = loss_table().splitlines()
    for entry in ENTRIES:
        (place,) = (at for at, line in enumerate(lines) if line[4:].split("  ")[0].strip() == entry.name)
        assert entry.formula in lines[place]
        assert [line.strip() for line in lines[place + 1 :]][: bool(entry.flags) + bool(entry.paper)] == [
            text for text in (entry.flags, entry.paper) if text
        ]


@pytest.mark.mxnet
@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_every_entry_makes_its_loss_from_the_defaults(entry, options, mx):
    loss = make_loss(entry, options())
    assert type(loss).__name__ == entry.factory.split(":")[1]
    assert isinstance(loss, mx.gluon.Block) == (entry.kind != "classes")
