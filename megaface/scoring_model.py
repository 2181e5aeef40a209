"""The devkit's scoring model: only the identity one, negative squared L2, is supported."""

from insightrec.recordio_tools.errors import ModelError

IDENTITY = bytes(48)  # jb_identity.bin: three matrices of no rows and columns


def check_identity(path):
    """Raise `ModelError` unless the file ``path`` is the devkit's ``jb_identity.bin``."""
    try:
        with open(path, "rb") as file:
            content = file.read(len(IDENTITY) + 1)
    except OSError as error:
        raise ModelError(f"{path}: expected a scoring model, found: {error.strerror}; leave --model out") from None
    if content != IDENTITY:
        raise ModelError(
            f"{path}: expected the identity model, 48 zero bytes, found another; joint Bayesian models are not "
            "supported, as the error bound is proven for negative squared L2 alone; leave --model out"
        )
