"""What a gender and age model of InsightFace says: 202 numbers for a face, decoded."""

from typing import NamedTuple

import numpy as np

from insightrec.recordio_tools.errors import ModelError

GENDERS = ("female", "male")
AGE_BITS = 100
OUTPUTS = len(GENDERS) + 2 * AGE_BITS


class GenderAge(NamedTuple):
    """Of one face."""

    gender: int  # place in `GENDERS`
    age: int  # years, 0..100


def decode_gender_age(outputs, source):
    """Gender and age of faces.

    Two logits, of female and of male, then for each of 100 ages two: not reached, and reached. The age is the number
    of ages reached; a tie counts as female, and as not reached.

    Args:
        outputs: float (N, 202), of the network.
        source: what to call the model in an error.

    Returns:
        list of `GenderAge`.

    Raises:
        ModelError: another number of outputs, or one that is not finite.
    """
    if outputs.shape[1] != OUTPUTS:
        raise ModelError(
            f"{source}: expected a gender and age model with {OUTPUTS} outputs, found {outputs.shape[1]}; is it one "
            "for embeddings?"
        )
    if not np.isfinite(outputs).all():
        raise ModelError(f"{source}: expected finite numbers of the model, found others; check its parameters")
    genders = outputs[:, :2].argmax(axis=1)
    ages = outputs[:, 2:].reshape(-1, AGE_BITS, 2).argmax(axis=2).sum(axis=1)
    return [GenderAge(*face) for face in zip(genders.tolist(), ages.tolist())]
