import io
import warnings

import numpy as np
import pytest
from PIL import Image

from insightrec.recordio_tools.quiet_pillow import open_image


def palette_with_transparency():
    """A PNG that Pillow warns of when it is converted."""
    file = io.BytesIO()
    image = Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8)).convert("P")
    image.save(file, "PNG", transparency=bytes(range(256)))
    return file.getvalue()


def test_warnings_stay_inside():
    data = palette_with_transparency()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with Image.open(io.BytesIO(data)) as image, pytest.raises(UserWarning):
            image.convert("RGB")
        with open_image(data) as image:
            assert image.convert("RGB").size == (8, 8)
        with pytest.raises(UserWarning, match="ours"):
            warnings.warn("ours", stacklevel=1)


def test_pillows_limit_comes_back():
    limit = Image.MAX_IMAGE_PIXELS
    with open_image(palette_with_transparency()):
        assert Image.MAX_IMAGE_PIXELS is None
    with pytest.raises(OSError, match="cannot identify"), open_image(b"hello"):
        pass
    assert limit == Image.MAX_IMAGE_PIXELS
