import numpy as np
import pytest
from PIL import Image

from insightrec.megaface.unturned_image import read_unturned
from insightrec.recordio_tools.errors import ImageError
from insightrec.recordio_tools.image_file import read_image


@pytest.mark.parametrize("orientation", [None, *range(10)])
def test_every_orientation_is_left_out(tmp_path, orientation):
    pixels = np.zeros((40, 64, 3), np.uint8)
    pixels[:8, :16], pixels[30:, 50:] = (255, 0, 0), (0, 0, 255)  # no turn nor mirror gives that again
    plain, tagged = tmp_path / "plain.jpg", tmp_path / "tagged.jpg"
    Image.fromarray(pixels).save(plain, quality=95)
    exif = Image.Exif()
    if orientation is not None:
        exif[0x0112] = orientation
    Image.fromarray(pixels).save(tagged, quality=95, exif=exif)
    np.testing.assert_array_equal(read_unturned(tagged), read_image(plain)[1])
    is_turned = not np.array_equal(read_image(tagged)[1], read_image(plain)[1])
    assert is_turned == (orientation in range(2, 9))


def test_other_formats_and_damage(tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(np.full((5, 7, 3), 9, np.uint8)).save(path)
    assert read_unturned(path).shape == (5, 7, 3)
    path.write_bytes(b"abc")
    with pytest.raises(ImageError, match="a.png: expected an image"):
        read_unturned(path)
