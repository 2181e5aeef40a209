from types import SimpleNamespace

import pytest

from insightrec.recordio_tools.errors import InputError
from insightrec.train.learning_rate import LearningRate, lr_steps


def loss(number, kind="classes"):
    return SimpleNamespace(number=number, kind=kind)


def upstreams_rates(base, steps, count):
    """InsightFace's callback: a running rate, compared after each of ``count`` batches; the rate of every batch."""
    rate, rates = base, []
    for done in range(1, count + 1):
        rates.append(rate)
        for step in steps:
            if done == step:
                rate *= 0.1
                break
    return rates


def test_rates_are_upstreams_to_the_last_bit():
    schedule = LearningRate(0.1, (3, 5, 9))
    assert [schedule.at(step) for step in range(12)] == upstreams_rates(0.1, (3, 5, 9), 12)


def test_warm_up_grows_to_the_base_and_stays():
    schedule = LearningRate(0.4, (6,), warmup_steps=4)
    assert [schedule.at(step) for step in range(7)] == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.4, 0.4, 0.04])


def test_a_drop_within_the_warm_up_still_counts():
    assert LearningRate(1.0, (1,), warmup_steps=2).at(1) == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("entry", "batch", "expected"),
    [
        (loss(4), 512, (100000, 140000, 160000)),
        (loss(1), 128, (400000, 560000, 640000)),
        (loss(7), 1024, (50000, 70000, 80000)),
        (loss(0), 512, (40000, 60000, 80000)),
        (loss(8), 600, (34133, 51200, 68266)),
        (loss(9, "identities"), 512, (40000, 60000, 80000)),
        (loss(None), 512, (100000, 140000, 160000)),
        (loss(None, "identities"), 512, (40000, 60000, 80000)),
        (loss(12, "triplets"), 512, ()),
        (loss(13, "triplets"), 512, ()),
    ],
)
def test_default_steps(entry, batch, expected):
    assert lr_steps("", entry, batch) == expected


def test_given_steps_are_taken_as_they_are_for_triplets_too():
    assert lr_steps("100, 200", loss(12, "triplets"), 128) == (100, 200)


def test_spherefaces_freeze_delays_every_step():
    assert lr_steps("100,200", loss(1), 128, delay=50) == (150, 250)
    assert lr_steps("", loss(1), 512, delay=5000) == (105000, 145000, 165000)


@pytest.mark.parametrize(
    "text", ["a", "100,", "100;200", "200,100", "100,100", "0,5", "-5", "1e5", "1.5", " ", "9" * 30]
)
def test_bad_text_is_one_clear_line(text):
    with pytest.raises(InputError, match="--lr-steps: expected increasing numbers of steps .*, found "):
        lr_steps(text, loss(4), 128)
