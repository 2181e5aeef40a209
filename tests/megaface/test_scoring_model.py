"""Only the identity model is taken."""

import pytest

from insightrec.megaface.scoring_model import check_identity
from insightrec.recordio_tools.errors import ModelError


def test_identity(tmp_path):
    (tmp_path / "jb_identity.bin").write_bytes(bytes(48))
    check_identity(tmp_path / "jb_identity.bin")


@pytest.mark.parametrize("content", [b"", bytes(47), bytes(49), b"\1" + bytes(47), b"\1\0\0\0" * 5000])
def test_others(tmp_path, content):
    (tmp_path / "jb_LBP.bin").write_bytes(content)
    with pytest.raises(ModelError, match="jb_LBP.bin: expected the identity model, .* joint Bayesian models are not"):
        check_identity(tmp_path / "jb_LBP.bin")


def test_no_file(tmp_path):
    with pytest.raises(ModelError, match="none.bin: expected a scoring model, found: No such file"):
        check_identity(tmp_path / "none.bin")
