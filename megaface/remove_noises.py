"""Remove noisy images from the MegaFace protocol: mislabelled probes, and distractors that show a probe's person.

The noise lists are InsightFace's (follow their rules of use), or lists of your own in the same form. What happens to
noisy images (--policy):

  insightface  All features get one more number. It is 0, but 100 for a noisy distractor, which puts that behind all
               others and leaves their count. A noisy probe becomes the center of its person's other images. Published
               "R" figures are of this kind. Mind that this leaks the label: such a probe is an almost certain hit (some
               0.7 % of FaceScrub's 3,530 probes). Works with the devkit's score alone: do not normalise the
               features afterwards, and do not score them by cosine. Probes and distractors both need it.
  drop         Noisy probes and distractors leave the lists; new lists are written, features stay as they are. Nothing
               leaks, and there are fewer distractors than the list's name says.
  zero         Features of noisy images become zeros. Only for comparison with figures made so: to a normalised probe
               a zero distractor is nearer (squared distance 1) than a stranger is (about 2), so it outranks strangers,
               and to a zero probe all are equally far.

--feature-dir-input has the features of step two in facescrub/ and megaface/, or in packed stores of these names
(facescrub.npy, facescrub.json); --feature-dir-out gets the same. Nothing in the input is changed.
"""

import argparse
import hashlib
import posixpath
import sys
import warnings
from pathlib import Path

from insightrec.megaface.feature_source import PackedFeatures, open_source
from insightrec.megaface.feature_writer import FileWriter, write_features
from insightrec.megaface.noise_list import distractor_name, match_noises, person_of, probe_name, read_noise_list
from insightrec.megaface.noise_policy import push_away, replace_by_centers, zero
from insightrec.megaface.packed_store import StoreWriter, store_files
from insightrec.megaface.path_list import DISTRACTOR_DEPTH, PROBE_DEPTH, read_path_list
from insightrec.megaface.template_list import TemplateList, write_template_list
from insightrec.recordio_tools.command_line import tool, whole_number
from insightrec.recordio_tools.errors import ListError, OutputError

POLICIES = ("insightface", "drop", "zero")
_NAME_OF = {"facescrub": probe_name, "megaface": distractor_name}
_DEPTH = {"facescrub": PROBE_DEPTH, "megaface": DISTRACTOR_DEPTH}


def write_changed(part, source, noisy, location, *, policy, seed, file_ending=None, resume=False, overwrite=False):
    """Write the features of one part of the protocol as ``policy``, insightface or zero, leaves them.

    Args:
        part: facescrub (probes) or megaface (distractors).
        source: their features, `FeatureFiles` or `PackedFeatures`.
        noisy: bool (N,), which of them are noisy.
        location: a folder, or for packed features the path of a store without ending; not that of ``source``.
        seed: whole number, of the noise on replaced probes.
        file_ending: of feature files.
        resume: continue what an earlier run with the same arguments began.
        overwrite: replace what is there.

    Raises:
        FeatureError: features are missing or damaged; all images of a person are noisy.
        OutputError: the output exists.
    """
    source.check()
    if policy == "zero":
        changed = zero(source, noisy)
    elif part == "megaface":
        changed = push_away(source, noisy)
    else:
        changed = replace_by_centers(source, noisy, seed)
    mode = {"resume": resume, "overwrite": overwrite}
    if isinstance(source, PackedFeatures):
        which = hashlib.sha256(noisy.tobytes()).hexdigest()[:16]
        made_from = f"{source.store}, policy {policy}, seed {seed}, noisy images {which}"
        writer = StoreWriter(location, changed.dimension, source=made_from, **mode)
    else:
        writer = FileWriter(location, file_ending, **mode)
    write_features(writer, source.paths, changed.read)


def without_noisy(templates, noisy, name):
    """A `TemplateList` without the ``noisy`` images, bool (N,); ``name`` is the list's in errors.

    Raises:
        ListError: nothing is left.
    """
    kept = [[value for value, leave in zip(column, noisy) if not leave] for column in templates if column is not None]
    if not kept[0]:
        raise ListError(f"{name}: expected images that are not noisy, found none; check the noise list")
    return TemplateList(*kept)


def describe_match(part, noises, match, paths):
    """What of a noise list was found in a list, and why the rest was not, in one line."""
    text = (
        f"{part}: {len(match.found)} of {len(noises.names)} noisy names ({noises.repeats} lines repeat one) are "
        f"in the list of {len(paths)} images, which makes {int(match.noisy.sum())} images noisy"
    )
    if part == "megaface":
        return f"{text}; {len(match.absent)} are not among this list's draw of MegaFace"
    people = {person_of(probe_name(path)) for path in paths}
    strangers = sum(person_of(probe_name(name)) not in people for name in match.absent)
    return (
        f"{text}; {strangers} are of people whom the list of {len(people)} people has not, "
        f"{len(match.absent) - strangers} are other images of its people"
    )


def parse(argv):
    """The command line, as an argparse namespace."""
    parser = argparse.ArgumentParser(
        prog="remove_noises.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--policy", choices=POLICIES, default="insightface", help="see above (default: insightface)")
    parser.add_argument(
        "--facescrub-lst", help="probes: a list of the devkit, or one path a line (default: leave probes alone)"
    )
    parser.add_argument("--megaface-lst", help="distractors: a list of either form (default: leave distractors alone)")
    parser.add_argument("--facescrub-noises", help="noisy images of FaceScrub, by file name (needed for probes)")
    parser.add_argument("--megaface-noises", help="noisy distractors, by path (needed for distractors)")
    parser.add_argument("--feature-dir-input", help="folder of the features (needed unless the policy is drop)")
    parser.add_argument(
        "--feature-dir-out",
        required=True,
        help="folder of the new features; with the policy drop, of the new lists (JSON), under the names of the old",
    )
    ending = parser.add_mutually_exclusive_group()
    ending.add_argument("--file-ending", help="what follows a path in the name of its feature file, as _model.bin")
    ending.add_argument(
        "--algo", help="the same by the model's name: --algo r100 is --file-ending _r100.bin (one of both for files)"
    )
    parser.add_argument(
        "--seed", type=whole_number(0), default=0, help="of the noise on replaced probes, a whole number (default: 0)"
    )
    parser.add_argument("--resume", action="store_true", help="continue what a killed run began (default: refuse)")
    parser.add_argument("--overwrite", action="store_true", help="replace what is there (default: refuse)")
    args = parser.parse_args(argv)
    args.parts = [part for part in _NAME_OF if getattr(args, f"{part}_lst")]
    if not args.parts:
        parser.error("expected --facescrub-lst, --megaface-lst or both")
    for part in args.parts:
        if not getattr(args, f"{part}_noises"):
            parser.error(f"--{part}-lst needs --{part}-noises")
    if args.policy != "drop" and not args.feature_dir_input:
        parser.error(f"--policy {args.policy} needs --feature-dir-input")
    if args.algo:
        args.file_ending = f"_{args.algo}.bin"
    return args


@tool
def main(argv=None):
    """Apply one policy to probes, distractors or both."""
    args = parse(argv)
    if args.policy == "zero":
        warnings.warn(
            "a zero distractor is nearer to a normalised probe than a stranger is: use these features only to compare "
            "with figures made so",
            stacklevel=2,
        )
    out = Path(args.feature_dir_out)
    for part in args.parts:
        list_path = Path(getattr(args, f"{part}_lst"))
        templates = read_path_list(list_path, _DEPTH[part])
        noises = read_noise_list(getattr(args, f"{part}_noises"))
        match = match_noises(noises.names, templates.paths, _NAME_OF[part])
        print(describe_match(part, noises, match, templates.paths))
        if args.policy == "drop":
            output = out / list_path.name
            _refuse_same([(list_path, output)])
            if part == "facescrub" and templates.ids is None:
                templates = TemplateList(templates.paths, [posixpath.dirname(path) for path in templates.paths])
            kept = without_noisy(templates, match.noisy, list_path)
            write_template_list(output, kept, overwrite=args.overwrite or args.resume)
            print(f"  wrote {output}: {len(kept.paths)} images")
        else:
            root, output = Path(args.feature_dir_input, part), out / part
            _refuse_same([(root, output), *zip(store_files(root), store_files(output))])
            write_changed(
                part,
                open_source(root, templates.paths, args.file_ending),
                match.noisy,
                output,
                policy=args.policy,
                seed=args.seed,
                file_ending=args.file_ending,
                resume=args.resume,
                overwrite=args.overwrite,
            )
            print(f"  wrote {len(templates.paths)} features to {output}")


def _refuse_same(pairs):
    """Raise `OutputError` if one of the (input, output) ``pairs`` is one place."""
    for source, output in pairs:
        if source.resolve() == output.resolve():
            raise OutputError(f"{output}: expected an output apart from the input, found the input; choose another")


if __name__ == "__main__":
    sys.exit(main())
