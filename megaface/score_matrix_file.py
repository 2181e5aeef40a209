"""Score matrices as the devkit writes them: one row for each probe, to the bit, written block of columns by block."""

from tqdm import tqdm

from insightrec.megaface.devkit_score import scorable, score_matrix
from insightrec.megaface.feature_file import matrix_header
from insightrec.recordio_tools.atomic_file import atomic_write


def write_score_matrix(path, probes, count, blocks):
    """Write the devkit's scores of all probes and of ``count`` features, replacing an old file.

    Args:
        path: pathlib.Path.
        probes: `devkit_score.Features` (N, d).
        blocks: iterable of float32 (n, d), the features in their order.

    Raises:
        FeatureError: features that cannot be scored.
        OutputError: as `atomic_write`.
    """
    header = matrix_header(len(probes.values), count)
    with (
        atomic_write(path, overwrite=True) as file,
        tqdm(total=count, desc=path.name, unit="image", unit_scale=True, disable=None) as progress,
    ):
        file.write(header)
        start = 0
        for values in blocks:
            scores = score_matrix(probes, scorable(values, f"{path.name}: features from column {start}"))
            for row, part in enumerate(scores):
                file.seek(len(header) + 4 * (row * count + start))
                file.write(part.astype("<f4", copy=False).data)
            start += len(values)
            progress.update(len(values))
