"""All class losses through the shared arithmetic: oracles, gradients against differences, no NaN, margin warm-up."""

import numpy as np
import pytest

from insightrec.train.losses.loss_table import ENTRIES, find_loss, make_loss

class_loss = pytest.importorskip("insightrec.train.losses.class_loss", reason="needs MXNet")
class_head = pytest.importorskip("insightrec.train.losses.class_head", reason="needs MXNet")
pytestmark = pytest.mark.mxnet

NAMES = [entry.name for entry in ENTRIES if entry.kind == "classes"]
# Small scales keep the softmax from saturating, where differences would be all rounding; a = 1 makes the
# adaptive margin's share, a constant for the gradient, one.
SETTINGS = {
    **{name: {"margin_s": 4} for name in NAMES},
    "adaptive_arcface": {"margin_s": 4, "margin_a": 1},
    "combined": {"margin_s": 4, "margin_a": 1.5, "margin_m": 0.3, "margin_b": 0.2},
    "combined_monotone": {"margin_s": 4, "margin_a": 1.5, "margin_m": 0.3, "margin_b": 0.2},
    "sphereface": {"beta": 2, "beta_min": 1},
    "lsoftmax": {"beta": 2, "beta_min": 1},
}


def psi(phi):
    """SphereFace's, by cases."""
    k = next(k for k in range(100) if k * np.pi <= phi <= (k + 1) * np.pi)
    return (-1) ** k * np.cos(phi) - 2 * k


def annealed(theta):
    """psi for m = 4 in the first step, before the annealing begins."""
    beta = 2
    return (psi(4 * theta) + beta * np.cos(theta)) / (1 + beta)


def arc(theta, m=0.5):
    return np.cos(theta + m) if theta < np.pi - m else np.cos(theta) - m * np.sin(m)


# Own-class logit over its length, from the angle in radians.
MARGINS = {
    "sphereface": annealed,
    "cosface": lambda theta: np.cos(theta) - 0.5,
    "multiplicative_angle": lambda theta: np.cos(4 * theta),
    "arcface": arc,
    "combined": lambda theta: np.cos(1.5 * theta + 0.3) - 0.2,
    "adaptive_arcface": lambda theta: np.cos(theta + 0.5 * (theta <= 1)),
    "random_arcface": lambda theta: arc(theta, RANDOM_MARGIN),
    "lsoftmax": annealed,
    "li_arcface": lambda theta: (np.pi - 2 * (theta + 0.5)) / np.pi,
    "arcface_intra": arc,
    "arcface_inter": arc,
    "combined_monotone": lambda theta: psi(1.5 * theta + 0.3) - 0.2,
}
RANDOM_MARGIN = np.random.default_rng([0, 0x6D617267, 1]).uniform(0, 0.5)


def made(name, options, **changes):
    return make_loss(find_loss(name), options(**{**SETTINGS[name], **changes}))


def batch(seed=0, samples=6, classes=7, size=5):
    """Embeddings at all angles to their class: near it, across, behind it."""
    draw = np.random.default_rng(seed)
    weight = draw.standard_normal((classes, size))
    label = draw.permutation(classes)[:samples]
    towards = np.linspace(2, -2, samples)[:, None]
    return draw.standard_normal((samples, size)) + towards * weight[label], label, weight


def outputs(mx, loss, embedding, label, weight, bias=None):
    """`HeadOutput` of one device with the loss's own penalty, from NDArrays."""
    output = loss.head_output(loss.terms(embedding, label, weight, bias))
    if not loss.needs_whole_head:
        return output
    centers = mx.nd.ones(weight.shape, dtype=embedding.dtype) / 2
    return output._replace(loss=output.loss + loss.head_penalty(embedding, label, weight, {"centers": centers}))


def oracle(name, x, label, w, b):
    """Loss of one sample in float64, from angles, with no thought for rounding."""
    x_length, lengths = np.linalg.norm(x), np.linalg.norm(w, axis=1)
    theta = np.arccos(w @ x / x_length / lengths)
    scale = {
        **dict.fromkeys(NAMES, 4),
        **dict.fromkeys(["softmax", "center", "lsoftmax"], x_length * lengths),
        "sphereface": x_length,
    }[name] * np.ones(len(w))
    logit = scale * ((np.pi - 2 * theta) / np.pi if name == "li_arcface" else np.cos(theta)) + b
    if name in MARGINS:
        logit[label] = scale[label] * MARGINS[name](theta[label])
    extra = {
        "center": 0.003 / 2 * ((x - 0.5) ** 2).sum(),
        "arcface_intra": theta[label] / np.pi,
        "arcface_inter": (w @ w[label] / lengths / lengths[label]).mean(),
    }
    return np.log(np.exp(logit).sum()) - logit[label] + extra.get(name, 0)


@pytest.mark.parametrize("name", NAMES)
def test_losses_equal_their_formulas(name, mx, options):
    embedding, label, weight = batch()
    loss = made(name, options)
    loss.begin_step(1)
    bias = np.linspace(-1, 1, len(weight)) if loss.has_bias else np.zeros(len(weight))
    output = outputs(
        mx,
        loss,
        mx.nd.array(embedding),
        mx.nd.array(label, dtype="int32"),
        mx.nd.array(weight),
        mx.nd.array(bias) if loss.has_bias else None,
    )
    expected = [oracle(name, x, y, weight, bias) for x, y in zip(embedding, label)]
    np.testing.assert_allclose(output.loss.asnumpy(), expected, rtol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_gradients_equal_differences(name, mx, options):
    embedding, label, weight = batch(seed=1, samples=4, classes=5, size=3)
    loss = made(name, options)
    loss.begin_step(1)
    label = mx.nd.array(label, dtype="int32")
    arrays = [mx.nd.array(array, dtype="float64") for array in (embedding, weight)]
    bias = mx.nd.zeros(5, dtype="float64") if loss.has_bias else None

    def total():
        return outputs(mx, loss, arrays[0], label, arrays[1], bias).loss.sum()

    for array in arrays:
        array.attach_grad()
    with mx.autograd.record():
        total().backward()
    for array in arrays:
        values, differences, step = array.asnumpy(), np.zeros(array.shape), 1e-6
        for place in np.ndindex(*values.shape):
            sides = []
            for side in (step, -step):
                moved = values.copy()
                moved[place] += side
                array[:] = mx.nd.array(moved, dtype="float64")
                sides.append(total().asscalar())
            differences[place] = (sides[0] - sides[1]) / (2 * step)
        array[:] = mx.nd.array(values, dtype="float64")
        np.testing.assert_allclose(array.grad.asnumpy(), differences, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_ever_nan(name, dtype, mx, options):
    """|cos| = 1, zero vectors, tiny and huge norms, on either side, and classes of zero weight."""
    far = 1e20 if dtype == "float32" else 6e4
    direction = np.array([3.0, -4.0, 12.0, 0.0])
    embedding = np.outer([1, -1, 0, 1e-7, far, -far, 1], direction / 13)
    embedding[-1] = far  # every element
    for row in (
        np.eye(4)[0],
        direction,
        -direction,
        direction * 0,
        direction * 1e-20,
        direction * 1e20,
        np.full(4, 1e20),
    ):
        head = class_head.ClassHead(made(name, options, margin_s=64), 3, 4)
        head.initialize(mx.init.One())
        weight = np.stack([row, -row, np.ones(4)])
        head.weight.set_data(mx.nd.array(weight))
        head.begin_step(1)
        for own in range(3):
            x = mx.nd.array(embedding, dtype=dtype)
            x.attach_grad()
            with mx.autograd.record():
                (output,) = head.forward_all([x], [mx.nd.full(len(embedding), own)])
                output.loss.mean().backward()
            assert output.loss.dtype == np.float32
            for array in (output.loss, head.weight.grad(), *(state.data() for state in head.states.values())):
                assert np.isfinite(array.asnumpy()).all()
            # A float16 gradient can overflow to inf, which loss scaling answers, but is no NaN.
            gradient = x.grad.asnumpy()
            assert np.isfinite(gradient).all() if dtype == "float32" else not np.isnan(gradient).any()


@pytest.mark.parametrize("name", ["sphereface", "cosface", "arcface", "combined_monotone", "li_arcface"])
def test_margin_share_goes_from_no_margin_to_the_whole(name, mx, options):
    embedding, label, weight = batch()
    loss = made(name, options)
    arrays = mx.nd.array(embedding), mx.nd.array(label, dtype="int32"), mx.nd.array(weight)
    terms = loss.terms(*arrays)

    def own_logit(share):
        loss.margin_share = share
        return terms.others.asnumpy() - np.log(np.expm1(loss.head_output(terms).loss.asnumpy().astype(np.float64)))

    np.testing.assert_allclose(own_logit(0), terms.target.asnumpy(), rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(own_logit(0.25), 0.75 * own_logit(0) + 0.25 * own_logit(1), rtol=1e-3, atol=1e-3)
    assert (own_logit(1) < own_logit(0)).all()


def test_accuracy_with_and_without_the_margin(mx, options):
    degrees = np.radians([10, 40, 80])  # to the own class; 80, 50 and 10 to the other
    embedding = mx.nd.array(np.stack([np.cos(degrees), np.sin(degrees)], axis=1))
    loss = made("arcface", options, margin_m=np.radians(20))
    terms = loss.terms(embedding, mx.nd.zeros(3, dtype="int32"), mx.nd.array(np.eye(2)))
    output = loss.head_output(terms)
    assert output.correct.asnumpy().tolist() == [1, 1, 0]
    assert output.margin_correct.asnumpy().tolist() == [1, 0, 0]


def test_a_tie_is_not_correct(mx, options):
    """A network that gives zeros for every image recognises nobody."""
    loss = made("normface", options)
    output = loss.head_output(loss.terms(mx.nd.zeros((2, 3)), mx.nd.zeros(2, dtype="int32"), mx.nd.ones((4, 3))))
    assert not output.correct.asnumpy().any()


def test_a_class_held_elsewhere_leaves_all_rows_to_the_others(mx, options):
    loss = made("normface", options, margin_s=1)
    terms = loss.terms(mx.nd.array([[2.0, 0.0]]), mx.nd.array([-1], dtype="int32"), mx.nd.array(np.eye(2)))
    assert (terms.target.asscalar(), terms.length.asscalar(), terms.best_other.asscalar()) == (0, 0, 1)
    assert terms.others.asscalar() == pytest.approx(np.log(np.e + 1))
