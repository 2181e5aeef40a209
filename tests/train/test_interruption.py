import signal

import pytest

from insightrec.train.interruption import Interruption


@pytest.mark.parametrize("number", Interruption.SIGNALS)
def test_the_first_signal_is_kept_and_the_next_one_is_not(number):
    with Interruption() as stop:
        assert not stop.requested
        signal.raise_signal(number)
        assert stop.requested
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)


@pytest.mark.parametrize("error", [None, ValueError])
def test_signals_do_afterwards_what_they_did_before(error):
    before = [signal.getsignal(number) for number in Interruption.SIGNALS]
    try:
        with Interruption():
            assert all(signal.getsignal(number) not in before for number in Interruption.SIGNALS)
            if error:
                raise error
    except ValueError:
        pass
    assert [signal.getsignal(number) for number in Interruption.SIGNALS] == before
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
