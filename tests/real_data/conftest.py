"""Real data with known answers, outside the project: ``../shared/data`` or ``$INSIGHTREC_DATA``."""

import os
from pathlib import Path

import pytest

DEFAULT = Path(__file__).resolve().parents[2].parent / "shared" / "data"


@pytest.fixture(scope="session")
def data():
    """The folder of real data; the test is skipped where it is absent."""
    folder = Path(os.environ.get("INSIGHTREC_DATA", DEFAULT))
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder} (set INSIGHTREC_DATA)")
    return folder
