import pytest

from insightrec.recordio_tools.errors import InputError
from insightrec.train.digit_losses import OWN_FLAGS, digit_losses, digit_options
from insightrec.train.losses.loss_table import ENTRIES, find_loss


def test_numbers_and_names_in_order_and_once():
    assert [entry.name for entry in digit_losses("4, softmax,arcface,normface")] == ["arcface", "softmax", "normface"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("4,triplet", "--losses: triplet has no classifier; choose among: softmax, sphereface"),
        ("9", "coco has no classifier"),
        ("4,", "loss '' is not known; there are: 0 softmax"),
        ("arcfase", "loss 'arcfase' is not known"),
    ],
)
def test_other_losses_are_refused(text, message):
    with pytest.raises(InputError, match=message):
        digit_losses(text)


def test_margins_fit_ten_classes_on_a_circle():
    assert set(OWN_FLAGS) <= {entry.name for entry in ENTRIES}
    arcface, cosface = (digit_options(find_loss(name), seed=5) for name in ("arcface", "cosface"))
    assert arcface.margin_m < 0.628
    assert cosface.margin_m < 0.19
    assert arcface.margin_s == cosface.margin_s == 16
    assert arcface.seed == 5
    assert arcface.num_classes == 10
