"""Domains of the margins: what lies outside is refused by the name of its flag."""

import math

import pytest

from insightrec.recordio_tools.errors import InputError
from insightrec.train.losses.option_domain import (
    angle_margin,
    angle_multiple,
    logit_scale,
    option,
    plain_number,
    term_weight,
)


def test_values_inside_their_domain_are_returned(options):
    assert angle_margin(options(margin_m=0)) == 0
    assert angle_multiple(options(margin=3)) == 3
    assert logit_scale(options(margin_s=30)) == 30
    assert plain_number(options(gamma=0), "--gamma") == 0
    assert term_weight(options(margin_b=0.2)) == 0.2


@pytest.mark.parametrize(
    ("read", "flag", "values"),
    [
        (angle_margin, "--margin-m", (-0.1, math.pi / 2, math.nan)),
        (angle_multiple, "--margin", (0, 1.5)),
        (logit_scale, "--margin-s", (0, -64, math.inf, math.nan)),
        (term_weight, "--margin-b", (0, -1)),
    ],
)
def test_values_outside_are_refused_by_the_name_of_the_flag(read, flag, values, options):
    for value in values:
        given = options(**{flag[2:].replace("-", "_"): value})
        with pytest.raises(InputError, match=f"^{flag} .*: expected ") as refusal:
            read(given)
        assert f"{value:g}" in str(refusal.value)


def test_a_flag_that_was_not_given_takes_the_default_of_the_loss(options):
    assert term_weight(options()) == 1
    assert option(options(margin_a=None), "--margin-a", "", lambda a: True, default=0) == 0
    with pytest.raises(InputError, match="--margin-m is not given: expected radians"):
        angle_margin(options(margin_m=None))
