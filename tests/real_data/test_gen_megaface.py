"""Features of a released model: the reference formula on real crops, read back from the devkit's files and a store."""

import cv2
import numpy as np
import pytest

from insightrec.deploy.embedder import Embedder
from insightrec.megaface.feature_file import read_feature
from insightrec.megaface.feature_source import PackedFeatures
from insightrec.megaface.gen_megaface import main


@pytest.fixture(scope="module")
def crops(data):
    """Paths of aligned crops of three people, below the folder of all."""
    root = data / "records" / "lfw60" / "aligned"
    people = sorted(root.iterdir())[:3]
    return root, [str(path.relative_to(root)) for person in people for path in sorted(person.iterdir())[:4]]


def test_features_of_mobilefacenet(data, crops, tmp_path):
    root, paths = crops
    model = f"{data}/models/mobilefacenet_y1/model,0"
    (tmp_path / "facescrub_lst").write_text("\n".join(paths))
    arguments = ["--facescrub-lst", f"{tmp_path}/facescrub_lst", "--facescrub-root", f"{root}", "--nomf", "--gpu", "-1"]
    arguments += ["--model", model, "--output", f"{tmp_path}/out", "--batch_size", "5"]
    main([*arguments, "--algo", "y1"])
    main([*arguments, "--layout", "store"])

    embedder = Embedder(model)
    packed = PackedFeatures(tmp_path / "out" / "facescrub", paths)
    for row, path in enumerate(paths):
        image = cv2.imread(str(root / path))[None, ..., ::-1]
        total = embedder.embed(image)[0].astype(np.float64) + embedder.embed(image[:, :, ::-1])[0]
        found = read_feature(tmp_path / "out" / "facescrub" / f"{path}_y1.bin")
        np.testing.assert_allclose(found, total / np.linalg.norm(total), rtol=0, atol=1e-6)
        np.testing.assert_array_equal(packed.read(row, row + 1)[0], found)
