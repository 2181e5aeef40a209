"""A run over many photos on several processes: each is aligned once, however often the run is stopped and resumed.

A job is one photo: what has a ``photo``, its name in the run, and a ``crop``, a path below the folder of crops. An
aligner makes the crops: it has ``align(job)``, which writes one and returns its `PhotoResult`; ``stamp(job)``, by which
a change of what the crop is made from is noticed; ``statuses``, as `parse_result` wants them; and ``settings``, what
its crops depend on, by the names of the flags.
"""

import contextlib
import sys

from tqdm import tqdm

from insightrec.deploy.alignment_journal import AlignmentJournal
from insightrec.deploy.alignment_lock import only_run
from insightrec.deploy.alignment_output import results_to_keep
from insightrec.deploy.process_map import process_map
from insightrec.recordio_tools.errors import ImageError, OutputError

_aligner = None  # in a process that aligns


@contextlib.contextmanager
def aligned_photos(jobs, open_aligner, output, args):
    """Align all jobs that an earlier run has not; gives the open `AlignmentJournal`, with the result of each.

    Args:
        jobs: list, each ``photo`` and each ``crop`` once.
        open_aligner: picklable function of nothing that gives an aligner. It is called here before anything is
            written, so that missing weights are noticed, and again in each process if there are several.
        output: `AlignmentOutput`.
        args: argparse namespace with ``processes``, ``resume``, ``overwrite`` and ``on_error``.

    Raises:
        ImageError: a result has a fault, and ``on_error`` is ``"raise"``.
        OutputError: as `only_run` and `results_to_keep`; or something cannot be written, in the ``with`` block too.
        InputError: as `process_map`.
    """
    aligner = open_aligner()
    with only_run(output), _resume_named(output):
        kept = results_to_keep(output, jobs, aligner, resume=args.resume, overwrite=args.overwrite)
        with AlignmentJournal(output.journal, aligner.settings, kept) as journal:
            _align_all(jobs, open_aligner, aligner, journal, args)
            yield journal


@contextlib.contextmanager
def _resume_named(output):
    """Name the output, and how the run is continued, where it is stopped by a full disk or by hand."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        place = f", {error.filename}" if error.filename else ""
        raise OutputError(
            f"{output.crops}: the run was stopped ({error.strerror or error}{place}); give --resume to go on from here"
        ) from None
    except KeyboardInterrupt:
        print(f"{output.crops}: give --resume to go on from here", file=sys.stderr)
        raise


def _align_all(jobs, open_aligner, aligner, journal, args):
    """Align the jobs that the journal has not, and append their results to it."""
    todo = [job for job in jobs if job.photo not in journal]
    processes = max(1, min(args.processes, len(todo)))
    work = _noted(todo, journal)
    if processes == 1:
        results = process_map(aligner.align, work, processes=1)
    else:
        results = process_map(_align, work, processes=processes, start=_start, start_args=(open_aligner,))
    with contextlib.closing(results):  # an error ends the workers now
        for result in tqdm(results, initial=len(jobs) - len(todo), total=len(jobs), unit="photo", disable=None):
            if result.fault and args.on_error == "raise":
                raise ImageError(f"{result.fault}; --on-error skip lists such photos, --resume continues from here")
            journal.append(result)


def _noted(jobs, journal):
    """The jobs, each noted in the journal before anybody gets it."""
    for job in jobs:
        journal.begin(job.photo, job.crop)
        yield job


def _start(open_aligner):
    global _aligner
    _aligner = open_aligner()


def _align(job):
    return _aligner.align(job)
