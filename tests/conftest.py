"""Shared fixtures: MXNet tests are skipped, with the reason, where MXNet cannot be imported."""

import pytest
from hypothesis import settings

from insightrec.deploy.mxnet_import import MXNetMissing, import_mxnet

settings.register_profile("shared-machine", deadline=None)
settings.load_profile("shared-machine")


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
