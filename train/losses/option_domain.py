"""Reads a loss's numbers from the options and refuses those outside their domain, by the name of the flag."""

import math

from insightrec.recordio_tools.errors import InputError


def option(options, flag, domain, holds, default=None):
    """The value of ``flag`` (``"--margin-m"``) in an argparse namespace, as a float.

    Args:
        domain: what is expected, in words, for the message.
        holds: predicate of the float. NaN holds in no comparison, so it is refused.
        default: the loss's own value, for a flag that was not given (None).

    Raises:
        InputError: outside the domain, or neither given nor with a default.
    """
    value = getattr(options, flag.lstrip("-").replace("-", "_"), None)
    value = default if value is None else value
    if value is None:
        raise InputError(f"{flag} is not given: expected {domain}")
    if not holds(value):
        raise InputError(f"{flag} {value:g}: expected {domain}")
    return float(value)


def angle_margin(options, default=None):
    """``--margin-m`` as an additive angle in radians, 0 <= m < pi/2."""
    return option(options, "--margin-m", "radians, 0 <= m < pi/2", lambda m: 0 <= m < math.pi / 2, default)


def angle_multiple(options):
    """``--margin``, the whole factor of an angle."""
    return int(option(options, "--margin", "a whole number of 1 or more", lambda m: m >= 1 and m % 1 == 0))


def logit_scale(options):
    """``--margin-s``, the scale of the logits, above 0."""
    return option(options, "--margin-s", "a scale above 0", lambda s: 0 < s < math.inf)


def plain_number(options, flag):
    """A finite number of 0 or more."""
    return option(options, flag, "a number of 0 or more", lambda value: 0 <= value < math.inf)


def term_weight(options):
    """``--margin-b`` as the weight of a loss's second term, above 0; 1 where it is not given."""
    return option(
        options, "--margin-b", "the weight of the second term, above 0", lambda b: 0 < b < math.inf, default=1
    )
