"""Remove noisy images from the MegaFace protocol: mislabelled probes, and distractors that show a probe's person.

The noise lists are InsightFace's (follow their rules of use), or lists of your own in the same form. What happens to
noisy images (--policy):

  insightface  All features get one more number. It is 0, but 100 for a noisy distractor, which puts that behind all
               others and leaves their count. A noisy probe becomes the center of its person's other images. Published
               "R" figures are of this kind. Mind that this leaks the label: such a probe is an almost certain hit (some
               0.7 % of FaceScrub's 3,530 probes). Works with the devkit's score alone: do not normalise the
               features afterwards, and do not score them by cosine. Probes and distractors both need it.
  drop         Noisy probes and distractors leave the lists; new lists are written, features are not looked at and may
               be missing: this also leaves out what gen_megaface.py could not read (its *_unreadable.txt is such a
               list). Nothing leaks. The new lists have the names that run_experiment.py looks for: a name that ends in
               .json (probes) or _SIZE_SET (distractors; there are then fewer than the name says) stays, others become
               facescrub_features_list.json and megaface_features_list.json_COUNT_1.
  zero         Features of noisy images become zeros. Only for comparison with figures made so: to a normalised probe
               a zero distractor is nearer (squared distance 1) than a stranger is (about 2), so it outranks strangers,
               and to a zero probe all are equally far.

--feature-dir-input has the features of step two in facescrub/ and megaface/, or in packed stores of these names
(facescrub.npy, facescrub.json); --feature-dir-out gets the same, and beside feature files *_origin.json, which says
what they are made from. Nothing in the input is changed.
"""

import argparse
import hashlib
import posixpath
import re
import sys
import warnings
from pathlib import Path
from typing import NamedTuple

from insightrec.megaface.distractor_lists import LIST_NAME
from insightrec.megaface.feature_source import PackedFeatures, open_source
from insightrec.megaface.feature_writer import FileWriter, write_features
from insightrec.megaface.file_ending import ending
from insightrec.megaface.make_template_lists import PROBE_LIST_NAME
from insightrec.megaface.noise_list import (
    NoiseList,
    NoiseMatch,
    distractor_names,
    match_noises,
    person_of,
    probe_names,
    read_noise_list,
)
from insightrec.megaface.noise_policy import push_away, replace_by_centers, zero
from insightrec.megaface.packed_store import StoreWriter, store_files
from insightrec.megaface.path_list import DISTRACTOR_DEPTH, PROBE_DEPTH, read_path_list
from insightrec.megaface.template_list import TemplateList, write_template_list
from insightrec.recordio_tools.atomic_file import refuse_existing
from insightrec.recordio_tools.command_line import tool, whole_number
from insightrec.recordio_tools.errors import ListError, OutputError

POLICIES = ("insightface", "drop", "zero")
_NAMES_OF = {"facescrub": probe_names, "megaface": distractor_names}
_DEPTH = {"facescrub": PROBE_DEPTH, "megaface": DISTRACTOR_DEPTH}


class Part(NamedTuple):
    """One part of the protocol, as it was read.

    name: facescrub (probes) or megaface (distractors). list_path: of its list, pathlib.Path. templates: the list.
    noises and match: its noise list, and what of it is in the list.
    """

    name: str
    list_path: Path
    templates: TemplateList
    noises: NoiseList
    match: NoiseMatch


def read_part(name, list_path, noises_path):
    """Read one `Part`: its list and its noise list.

    Raises:
        ListError: one of the two cannot be read.
    """
    templates = read_path_list(list_path, _DEPTH[name])
    noises = read_noise_list(noises_path)
    return Part(name, Path(list_path), templates, noises, match_noises(noises.names, templates.paths, _NAMES_OF[name]))


def changed_features(part, source, noisy, *, policy, seed):
    """`ChangedFeatures` of one part of the protocol, as ``policy``, insightface or zero, leaves them.

    Args:
        part: facescrub (probes) or megaface (distractors).
        source: their features, `FeatureFiles` or `PackedFeatures`.
        noisy: bool (N,), which of them are noisy.
        seed: whole number, of the noise on replaced probes.

    Raises:
        FeatureError: features are missing or damaged; all images of a person are noisy.
    """
    source.check()
    if policy == "zero":
        return zero(source, noisy)
    if part == "megaface":
        return push_away(source, noisy)
    return replace_by_centers(source, noisy, seed)


def write_changed(changed, source, location, origin, *, file_ending=None, resume=False, overwrite=False):
    """Write `ChangedFeatures` of ``source`` in the form that it has: files, or a packed store.

    Args:
        changed: `ChangedFeatures`.
        source: the features that they were made from, `FeatureFiles` or `PackedFeatures`.
        location: a folder, or for packed features the path of a store without ending; not that of ``source``.
        origin: text that says what decides the new features; a run with another one does not continue these.
        file_ending: of feature files.
        resume: continue what an earlier run with the same origin began.
        overwrite: replace what is there.

    Raises:
        OutputError: the output exists, or was begun with another origin.
    """
    mode = {"resume": resume, "overwrite": overwrite}
    if isinstance(source, PackedFeatures):
        writer = StoreWriter(location, changed.dimension, source=origin, **mode)
    else:
        writer = FileWriter(location, file_ending, source=origin, **mode)
    write_features(writer, source.paths, changed.read)


def origin_of(source, noisy, policy, seed):
    """What decides the features that a policy leaves: their own stamp, the noisy ones, the policy and the seed; str."""
    which = hashlib.sha256(noisy.tobytes()).hexdigest()[:16]
    return f"policy {policy}, seed {seed}, noisy images {which}, features {source.stamp()}"


def without_noisy(templates, noisy, name):
    """A `TemplateList` without the ``noisy`` images, bool (N,); ``name`` is the list's in errors.

    Raises:
        ListError: nothing is left.
    """
    kept = [[value for value, leave in zip(column, noisy) if not leave] for column in templates if column is not None]
    if not kept[0]:
        raise ListError(f"{name}: expected images that are not noisy, found none; check the noise list")
    return TemplateList(*kept)


def describe_match(part):
    """What of a noise list was found in the list of a `Part`, and why the rest was not, in one line."""
    _, _, templates, noises, match = part
    text = (
        f"{part.name}: {len(match.found)} of {len(noises.names)} noisy names ({noises.repeats} lines repeat one) are "
        f"in the list of {len(templates.paths)} images, which makes {int(match.noisy.sum())} images noisy"
    )
    if part.name == "megaface":
        return f"{text}; {len(match.absent)} are not in this list"
    people = set(map(_without_blanks, templates.ids or map(person_of, templates.paths)))
    strangers = sum(_without_blanks(person_of(name)) not in people for name in match.absent)
    return (
        f"{text}; {strangers} are of people whom the list of {len(people)} people has not, "
        f"{len(match.absent) - strangers} are other images of its people"
    )


def list_name(part, count):
    """The name of the list of ``count`` images that the policy drop leaves of a `Part`; no two parts have one name."""
    name = part.list_path.name
    if part.name == "facescrub":
        return name if name.endswith(".json") else PROBE_LIST_NAME
    return name if re.search(r"_\d+_\d+\Z", name) else f"{LIST_NAME}_{count}_1"


def _without_blanks(person):
    return person.replace(" ", "_")  # FaceScrub's uncropped images have "Aaron Eckhart", aligned ones "Aaron_Eckhart"


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
    parser.add_argument(
        "--facescrub-noises", help="noisy images of FaceScrub, by file name, or person/file (needed for probes)"
    )
    parser.add_argument("--megaface-noises", help="noisy distractors, by path (needed for distractors)")
    parser.add_argument("--feature-dir-input", help="folder of the features (needed unless the policy is drop)")
    parser.add_argument(
        "--feature-dir-out",
        required=True,
        help="folder of the new features; with the policy drop, of the new lists (JSON)",
    )
    feature_name = parser.add_mutually_exclusive_group()
    feature_name.add_argument(
        "--file-ending", type=ending, help="what follows a path in the name of its feature file, as _model.bin"
    )
    feature_name.add_argument(
        "--algo",
        type=ending,
        help="the same by the model's name: --algo r100 is --file-ending _r100.bin (one of both for files)",
    )
    parser.add_argument(
        "--seed", type=whole_number(0), default=0, help="of the noise on replaced probes, a whole number (default: 0)"
    )
    again = parser.add_mutually_exclusive_group()
    again.add_argument(
        "--resume",
        action="store_true",
        help="continue what a killed run with the same features, noises, policy and seed began (default: refuse)",
    )
    again.add_argument("--overwrite", action="store_true", help="replace what is there (default: refuse)")
    args = parser.parse_args(argv)
    args.parts = [part for part in _NAMES_OF if getattr(args, f"{part}_lst")]
    if not args.parts:
        parser.error("expected --facescrub-lst, --megaface-lst or both")
    for part in _NAMES_OF:
        for given, needed in (("lst", "noises"), ("noises", "lst")):
            if getattr(args, f"{part}_{given}") and not getattr(args, f"{part}_{needed}"):
                parser.error(f"--{part}-{given} needs --{part}-{needed}")
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
    parts = [read_part(name, getattr(args, f"{name}_lst"), getattr(args, f"{name}_noises")) for name in args.parts]
    for part in parts:
        print(describe_match(part))
        if part.noises.names and not part.match.found:
            warnings.warn(
                f"{part.list_path}: none of the noisy names is in this list, and nothing is removed; check that the "
                "noise list is of this set (a short list of distractors can have none of them)",
                stacklevel=2,
            )
    (drop if args.policy == "drop" else change)(parts, args)


def drop(parts, args):
    """Write the lists of all parts without their noisy images; nothing is written unless all can be."""
    lists = {}
    for part in parts:
        templates = part.templates
        if part.name == "facescrub" and templates.ids is None:
            templates = TemplateList(templates.paths, [posixpath.dirname(path) for path in templates.paths])
        kept = without_noisy(templates, part.match.noisy, part.list_path)
        lists[Path(args.feature_dir_out, list_name(part, len(kept.paths)))] = kept
    _refuse_same([(part.list_path, output) for part in parts for output in lists])
    replace = args.overwrite or args.resume
    refuse_existing(lists, replace)
    for output, kept in lists.items():
        write_template_list(output, kept, overwrite=replace)
        print(f"  wrote {output}: {len(kept.paths)} images")


def change(parts, args):
    """Write the features of all parts as the policy leaves them; nothing is written unless all can be read."""
    jobs = []
    for part in parts:
        root, output = Path(args.feature_dir_input, part.name), Path(args.feature_dir_out, part.name)
        _refuse_same([(root, output), *zip(store_files(root), store_files(output))])
        source = open_source(root, part.templates.paths, args.file_ending)
        noisy = part.match.noisy
        changed = changed_features(part.name, source, noisy, policy=args.policy, seed=args.seed)
        jobs.append((changed, source, output, origin_of(source, noisy, args.policy, args.seed)))
    mode = {"resume": args.resume, "overwrite": args.overwrite}
    for changed, source, output, origin in jobs:
        write_changed(changed, source, output, origin, file_ending=args.file_ending, **mode)
        print(f"  wrote {len(source)} features to {output}")


def _refuse_same(pairs):
    """Raise `OutputError` if one of the (input, output) ``pairs`` is one place."""
    for source, output in pairs:
        if source.resolve() == output.resolve():
            raise OutputError(f"{output}: expected an output apart from the input, found the input; choose another")


if __name__ == "__main__":
    sys.exit(main())
