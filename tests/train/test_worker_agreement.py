import pytest

from insightrec.recordio_tools.errors import InputError

worker_agreement = pytest.importorskip("insightrec.train.worker_agreement", reason="needs MXNet")

pytestmark = pytest.mark.mxnet


class SharedStore:
    """A store of which another worker has pushed its numbers already."""

    num_workers = 2

    def __init__(self, other):
        self.other = other

    def init(self, key, value):
        """Nothing is kept."""

    def pushpull(self, key, array):
        array += self.other[key]


def agreement(mx, **other):
    return worker_agreement.WorkerAgreement(SharedStore({key: mx.nd.array(value) for key, value in other.items()}))


def test_alone_it_stops_when_asked():
    alone = worker_agreement.WorkerAgreement()
    assert alone.settle(True, None) is True
    assert alone.settle(False, None) is False
    alone.check_same("anything", "m")
    with pytest.raises(OSError, match="full"):
        alone.settle(True, OSError("full"))


@pytest.mark.parametrize(("stops", "other", "stopping"), [(0, 0, False), (1, 0, True), (0, 1, True), (1, 1, True)])
def test_all_stop_where_one_does(mx, stops, other, stopping):
    assert agreement(mx, settle=[other, 0]).settle(bool(stops), None) is stopping


def test_all_fail_where_one_does(mx):
    with pytest.raises(InputError, match="another worker has failed"):
        agreement(mx, settle=[0, 1]).settle(False, None)
    with pytest.raises(OSError, match="mine"):
        agreement(mx, settle=[0, 1]).settle(False, OSError("mine"))


def test_other_checkpoints_are_refused(mx):
    class Recorder(SharedStore):
        def pushpull(self, key, array):
            self.pushed = array.copy()

    def pushed(text):
        recorder = Recorder({})
        with pytest.raises(InputError):  # it hears of itself alone, and there are two
            worker_agreement.WorkerAgreement(recorder).check_same(text, "m")
        return recorder.pushed.asnumpy()

    agreement(mx, same=pushed("2 40 1.5")).check_same("2 40 1.5", "m")
    with pytest.raises(InputError, match="m: this worker goes on from here, another one does not"):
        agreement(mx, same=pushed("")).check_same("2 40 1.5", "m")
