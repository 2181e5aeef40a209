"""Pictures that cannot be had are None."""

import cv2
import numpy as np

from insightrec.megaface.image_folder import picture_in


def test_picture_in(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((4, 4, 3), np.uint8))
    (tmp_path / "b.png").write_bytes(b"none")
    assert picture_in(tmp_path, "a.png") == (tmp_path / "a.png").read_bytes()
    assert picture_in(tmp_path, "b.png") is picture_in(tmp_path, "c.png") is picture_in(None, "a.png") is None
