import os
import socket
import subprocess
import sys

import numpy as np
import pytest

from insightrec.recordio_tools.errors import InputError, ModelError

parameter_update = pytest.importorskip("insightrec.train.parameter_update", reason="needs MXNet")
ParameterUpdate, create_kvstore = parameter_update.ParameterUpdate, parameter_update.create_kvstore
pytestmark = pytest.mark.mxnet

SHAPES = {
    "fc7_weight": (6, 4),
    "fc7_bias": (6,),
    "bn_gamma": (4,),
    "bn_beta": (4,),
    "bn_moving_mean": (4,),
}
MULTIPLIERS = {"fc7_weight": (0.5, 10.0), "fc7_bias": (2.0, 0.0)}  # lr_mult, wd_mult
STEPS = 5
MOMENTUM, WD = 0.9, 0.01


def rate(step):
    return 0.1 if step < 2 else 0.03


def initial(name):
    return np.random.default_rng([1, len(name)]).normal(size=SHAPES[name]).astype(np.float32)


def image_gradients(step, images=12):
    """Name to (images, ...) gradients of the loss of each image."""
    random = np.random.default_rng([2, step])
    return {name: random.normal(size=(images, *shape)).astype(np.float32) for name, shape in SHAPES.items()}


def made_parameters(mx, devices, dtype="float32", value=initial):
    parameters = mx.gluon.ParameterDict()
    for name, shape in SHAPES.items():
        lr_mult, wd_mult = MULTIPLIERS.get(name, (1.0, 1.0))
        parameter = parameters.get(name, shape=shape, dtype=dtype, lr_mult=lr_mult, wd_mult=wd_mult)
        parameter.grad_req = "null" if "moving" in name else "write"
        parameter.initialize(ctx=devices)
        parameter.set_data(mx.nd.array(value(name), dtype=dtype))
    return parameters


def cpus(mx, count):
    return [mx.cpu(number) for number in range(count)]


def step_once(parameters, update, step, images=12, first=0, last=None):
    """A step whose images ``first`` to ``last`` are shared evenly between the devices."""
    update_inputs = image_gradients(step, images)
    for name, parameter in parameters.items():
        if parameter.grad_req != "null":
            copies = parameter.list_grad()
            for gradient, part in zip(copies, np.split(update_inputs[name][first:last], len(copies))):
                gradient[:] = part.sum(axis=0)
    update.reduce_gradients()
    update.update(rate(step), 1 / images)


def trained(mx, devices, steps=STEPS, dtype="float32", momentum=MOMENTUM, **options):
    parameters = made_parameters(mx, devices, dtype)
    update = ParameterUpdate(parameters, momentum, WD, kvstore=create_kvstore("device", len(devices)), **options)
    for step in range(steps):
        step_once(parameters, update, step)
    return parameters, update


def weights(parameters):
    """Name to array; all devices must agree to the bit."""
    result = {}
    for name, parameter in parameters.items():
        copies = [copy.asnumpy() for copy in parameter.list_data()]
        assert all((copy == copies[0]).all() for copy in copies)
        result[name] = copies[0]
    return result


def oracle(lr_mult, wd_mult, momentum=MOMENTUM, steps=STEPS):
    """Momentum SGD on the mean gradient, in float64: weights and momentum by name."""
    values, speeds = {}, {}
    for name in SHAPES:
        value, speed = initial(name).astype(np.float64), 0.0
        for step in range(0 if "moving" in name else steps):
            gradient = image_gradients(step)[name].astype(np.float64).mean(axis=0)
            speed = momentum * speed - rate(step) * lr_mult[name] * (gradient + WD * wd_mult[name] * value)
            value = value + speed
        values[name], speeds[name] = value, speed
    return values, speeds


HONOURED_LR = {**dict.fromkeys(SHAPES, 1.0), "fc7_weight": 0.5, "fc7_bias": 2.0}
HONOURED_WD = {"fc7_weight": 10.0, "fc7_bias": 0.0, "bn_gamma": 1.0, "bn_beta": 0.0, "bn_moving_mean": 0.0}


def close(found, wanted):
    assert list(found) == list(wanted)
    for name in wanted:
        np.testing.assert_allclose(found[name], wanted[name], rtol=1e-6, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("devices", [1, 2, 3])
@pytest.mark.parametrize("momentum", [0.9, 0.0])
def test_any_number_of_devices_is_sgd_on_the_whole_batch(mx, devices, momentum):
    parameters, _ = trained(mx, cpus(mx, devices), momentum=momentum)
    close(weights(parameters), oracle(HONOURED_LR, HONOURED_WD, momentum)[0])


@pytest.mark.parametrize("devices", [1, 2])
def test_compat_wd_is_uniform(mx, devices):
    parameters, _ = trained(mx, cpus(mx, devices), compat_wd=True)
    ones = dict.fromkeys(SHAPES, 1.0)
    close(weights(parameters), oracle(ones, ones)[0])


def test_more_parameters_than_one_call_takes(mx):
    parameters = mx.gluon.ParameterDict()
    for number in range(130):
        parameters.get(f"layer{number}_weight", shape=(3,), init="ones").initialize(ctx=cpus(mx, 2))
    update = ParameterUpdate(parameters, 0.9, 0.0, kvstore=create_kvstore("device", 2))
    for number, parameter in enumerate(parameters.values()):
        for gradient in parameter.list_grad():
            gradient[:] = number
    update.reduce_gradients()
    update.update(0.5, 0.25)
    for number, parameter in enumerate(parameters.values()):
        for copy in parameter.list_data():
            np.testing.assert_allclose(copy.asnumpy(), 1 - 0.5 * 0.25 * 2 * number)


def test_states_are_the_momentum_by_name(mx):
    _, update = trained(mx, cpus(mx, 2))
    speeds = oracle(HONOURED_LR, HONOURED_WD)[1]
    close(update.states(), {f"momentum:{name}": speeds[name] for name in SHAPES if "moving" not in name})


def test_without_momentum_there_is_no_state(mx):
    _, update = trained(mx, cpus(mx, 1), momentum=0.0)
    assert update.states() == {}


@pytest.mark.parametrize(("before", "after"), [(1, 1), (2, 2), (1, 3), (3, 2)])
def test_going_on_from_states_is_exact_on_any_number_of_devices(mx, before, after):
    first, first_update = trained(mx, cpus(mx, before), steps=2)
    values, states = weights(first), first_update.states()
    second = made_parameters(mx, cpus(mx, after), value=values.get)
    second_update = ParameterUpdate(second, MOMENTUM, WD, kvstore=create_kvstore("device", after))
    second_update.load_states(states)
    for step in range(2, STEPS):
        step_once(second, second_update, step)
    whole, _ = trained(mx, cpus(mx, after))
    if before == after:
        for name, value in weights(whole).items():
            np.testing.assert_array_equal(weights(second)[name], value)
    close(weights(second), weights(whole))


@pytest.mark.parametrize("momentum", [0.9, 0.0])
def test_float16_weights_follow_a_float32_master(mx, momentum):
    """The master's updates are smaller than float16 can add to a weight; they count all the same."""
    parameters = made_parameters(mx, cpus(mx, 2), "float16", value=lambda name: np.ones(SHAPES[name], np.float32))
    update = ParameterUpdate(parameters, momentum, 0.0, kvstore=create_kvstore("device", 2))
    for _ in range(20):
        for name in ("fc7_weight", "bn_beta"):
            for gradient in parameters[name].list_grad():
                gradient[:] = 1
        update.reduce_gradients()
        update.update(1e-5, 0.5)
    states = update.states()
    assert states["master:bn_beta"].dtype == np.float32
    assert (states["master:bn_beta"] < 1 - 19e-5).all()
    assert ("momentum:bn_beta" in states) == (momentum > 0)
    resumed = made_parameters(mx, cpus(mx, 1), "float16")
    resumed_update = ParameterUpdate(resumed, momentum, 0.0)
    resumed_update.load_states(states)
    for name, array in states.items():
        np.testing.assert_array_equal(resumed_update.states()[name], array)


@pytest.mark.parametrize(
    "change",
    [lambda states: states.pop("momentum:bn_beta"), lambda states: states.update({"momentum:bn_beta": np.zeros(5)})],
)
def test_states_of_another_model_are_refused(mx, change):
    _, update = trained(mx, cpus(mx, 1), steps=1)
    states = update.states()
    change(states)
    with pytest.raises(ModelError, match=r"momentum:bn_beta: expected shape \(4,\), found (none|\(5,\)); resume with"):
        update.load_states(states)


def test_gradients_are_the_reduced_ones(mx):
    parameters = made_parameters(mx, cpus(mx, 2))
    update = ParameterUpdate(parameters, kvstore=create_kvstore("device", 2))
    for number, gradient in enumerate(parameters["bn_beta"].list_grad(), 1):
        gradient[:] = number
    update.reduce_gradients()
    assert len(update.gradients) == 4
    np.testing.assert_array_equal(update.gradients[3].asnumpy(), np.full(4, 3))


def test_one_device_needs_no_store_and_unknown_ones_are_refused():
    assert create_kvstore("device", 1) is None
    for name in ("dist_async", "nccl"):
        with pytest.raises(InputError, match="--kvstore: expected device, dist_sync or dist_device_sync, found"):
            create_kvstore(name, 1)


# Two workers on the loopback, each with half of every batch. Their initial weights differ: rank 0's count.

WORKER = """
import sys
import numpy as np
sys.path.insert(0, {tests!r})
from insightrec.deploy.mxnet_import import import_mxnet
mx = import_mxnet()
import test_parameter_update as t

kvstore = t.create_kvstore({kind!r}, 1)
parameters = t.made_parameters(mx, [mx.cpu()], value=lambda name: t.initial(name) + kvstore.rank)
update = t.ParameterUpdate(parameters, t.MOMENTUM, t.WD, kvstore=kvstore)
half = 12 // kvstore.num_workers
for step in range(t.STEPS):
    t.step_once(parameters, update, step, first=kvstore.rank * half, last=(kvstore.rank + 1) * half)
np.savez(sys.argv[1] + str(kvstore.rank), **t.weights(parameters), **update.states())
"""
SERVER = "from insightrec.deploy.mxnet_import import import_mxnet; import_mxnet()"


def free_port():
    with socket.socket() as listener:
        try:
            listener.bind(("127.0.0.1", 0))
        except OSError as error:
            pytest.skip(f"no port can be opened on the loopback ({error})")
        return listener.getsockname()[1]


def run_roles(worker, output):
    """Run scheduler, server and two workers to their end; what is left is killed."""
    environment = {
        **os.environ,
        "DMLC_PS_ROOT_URI": "127.0.0.1",
        "DMLC_NODE_HOST": "127.0.0.1",
        "DMLC_PS_ROOT_PORT": str(free_port()),
        "DMLC_NUM_SERVER": "1",
        "DMLC_NUM_WORKER": "2",
        "OMP_NUM_THREADS": "1",
    }
    roles = [("scheduler", SERVER), ("server", SERVER), ("worker", worker), ("worker", worker)]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", script, output],
            env={**environment, "DMLC_ROLE": role},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for role, script in roles
    ]
    try:
        for process, (role, _) in reversed(list(zip(processes, roles))):
            said, _ = process.communicate(timeout=180)
            assert process.returncode == 0, f"{role}: {said}"
    finally:
        for process in processes:
            process.kill()
            process.wait()


@pytest.mark.parametrize("kind", ["dist_sync", "dist_device_sync"])
def test_two_workers_equal_one_process_with_the_double_batch(mx, tmp_path, kind):
    run_roles(WORKER.format(tests=os.path.dirname(__file__), kind=kind), str(tmp_path / "worker"))
    parameters, update = trained(mx, cpus(mx, 2))
    wanted = {**weights(parameters), **update.states()}
    found = [np.load(tmp_path / f"worker{rank}.npz") for rank in range(2)]
    for name, value in wanted.items():
        np.testing.assert_array_equal(found[0][name], found[1][name])
        np.testing.assert_allclose(found[0][name], value, rtol=1e-6, atol=1e-6, err_msg=name)
