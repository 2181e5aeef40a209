"""Outputs of a gender and age model, written by hand."""

import numpy as np
import pytest

from insightrec.deploy.gender_age import GENDERS, decode_gender_age
from insightrec.recordio_tools.errors import ModelError


def outputs(gender=(0, 0), reached=()):
    """202 numbers: these logits, and the bits of the ages ``reached``."""
    bits = np.tile(np.float32([0.3, -0.2]), (100, 1))
    bits[list(reached)] = (-5, -4)
    return np.concatenate([np.float32(gender), bits.ravel()])


def test_gender_is_the_larger_logit_and_age_the_number_of_ages_reached():
    faces = [outputs((1, -2)), outputs((-3, -2), range(31)), outputs((0, 0), range(100)), outputs((0, 1), [0, 7, 99])]
    assert decode_gender_age(np.stack(faces), "ga") == [(0, 0), (1, 31), (0, 100), (1, 3)]
    assert [GENDERS[face.gender] for face in decode_gender_age(np.stack(faces[:2]), "ga")] == ["female", "male"]


def test_equal_bits_are_not_reached():
    assert decode_gender_age(np.zeros((1, 202)), "ga") == [(0, 0)]


@pytest.mark.parametrize("size", [2, 128, 201, 203])
def test_another_model(size):
    with pytest.raises(ModelError, match=f"^ga-0000: expected a gender and age model with 202 outputs, found {size}; "):
        decode_gender_age(np.zeros((1, size)), "ga-0000")


def test_numbers_that_are_none():
    with pytest.raises(ModelError, match="^ga-0000: expected finite numbers"):
        decode_gender_age(outputs((np.nan, 0))[None], "ga-0000")
