"""What a file is, for reports that say what they were made from."""

import hashlib

_READ_BYTES = 1 << 20


def sha256(path):
    """Hex SHA-256 of a file."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(_READ_BYTES):
            digest.update(block)
    return digest.hexdigest()
