"""Shared fixtures: MXNet tests are skipped, with the reason, where MXNet cannot be imported."""

import signal

import pytest
from hypothesis import settings

from insightrec.deploy.mxnet_import import MXNetMissing, import_mxnet

settings.register_profile("shared-machine", deadline=None)
settings.load_profile("shared-machine")


def pytest_configure():
    """Signals as in a terminal: background jobs and nohup start with some ignored, and tests would hand that on."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_collection_modifyitems(items):
    """Run the tests that need no MXNet first."""
    items.sort(key=lambda item: item.get_closest_marker("mxnet") is not None)


@pytest.fixture(scope="session")
def mx():
    """The mxnet module; a test that asks for it also carries ``@pytest.mark.mxnet``."""
    try:
        return import_mxnet()
    except MXNetMissing as reason:
        pytest.skip(str(reason))
