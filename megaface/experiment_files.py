"""What earlier runs have left in an experiment's folder: refused, removed or kept; and its score matrices."""

from insightrec.megaface.best_matches import in_blocks
from insightrec.megaface.experiment_record import has_scores, read_record, with_scores
from insightrec.megaface.score_matrix_file import write_score_matrix
from insightrec.recordio_tools.atomic_file import atomic_write
from insightrec.recordio_tools.errors import OutputError


def refuse_existing(names, score_matrices):
    """Raise `OutputError` where an earlier run has written something of these sizes and sets.

    names: list of `ExperimentNames`. score_matrices: whether the matrix that all sizes share would be written too.
    """
    paths = [path for each in names for path in each.all_files]
    if score_matrices:
        paths.append(names[0].probe_scores)
    found = [str(path) for path in paths if path.exists()]
    if found:
        more = f" and {len(found) - 1} more" if len(found) > 1 else ""
        raise OutputError(f"{found[0]}{more}: exists already; give --resume to go on, --overwrite or another out_root")


def clear_unfinished(experiments, finished, overwrite):
    """Remove what earlier runs have left of the experiments that are not finished, or with ``overwrite`` of all.

    Counts to go on with stay, unless ``overwrite``. A line tells of results that were not as they were written.
    """
    for experiment, done in zip(experiments, finished):
        names = experiment.names
        if done:
            continue
        if not overwrite and any(path.exists() for path in names.results):
            print(f"{names.title}: not all results are as they were written: counted again")
        for path in names.all_files:
            if overwrite or path != names.checkpoint:
                path.unlink(missing_ok=True)
    if overwrite:
        experiments[0].names.probe_scores.unlink(missing_ok=True)


def write_matrices(probe_set, experiments, finished, *, of_distractors):
    """Write the score matrices; an experiment that was finished before keeps the one that its record names.

    of_distractors: not only that of probes and probes.
    """
    features = probe_set.scorable.features
    write_score_matrix(experiments[0].names.probe_scores, features, len(probe_set), [features.values])
    if not of_distractors:
        return
    for experiment, done in zip(experiments, finished):
        path = experiment.names.distractor_scores
        record = read_record(experiment.names.record) if done else None
        if record and has_scores(record, path):
            continue
        write_score_matrix(path, features, len(experiment.source), in_blocks(experiment.source))
        if record:
            with atomic_write(experiment.names.record, overwrite=True) as file:
                file.write(with_scores(record, path))
