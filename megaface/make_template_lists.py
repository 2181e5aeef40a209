"""Make the lists of an experiment on faces of your own: probes with their persons, and distractors of several sizes."""

import argparse
from pathlib import Path

import numpy as np

from insightrec.megaface.distractor_lists import LIST_NAME
from insightrec.megaface.megaface_photos import find_megaface
from insightrec.megaface.template_list import TemplateList, write_template_list
from insightrec.recordio_tools.atomic_file import refuse_existing
from insightrec.recordio_tools.command_line import tool, whole_number
from insightrec.recordio_tools.errors import ListError
from insightrec.recordio_tools.face_folders import read_folders

PROBE_LIST_NAME = "facescrub_features_list.json"


def parse(argv):
    """The command line, as an argparse namespace."""
    parser = argparse.ArgumentParser(
        prog="make_template_lists.py",
        description=f"{__doc__} They stand in OUTPUT under the devkit's names, {PROBE_LIST_NAME} and "
        f"{LIST_NAME}_SIZE_SET.",
    )
    add = parser.add_argument
    add("--probes", required=True, help="folder of identity folders with aligned faces, at least two of a person")
    add("--distractors", required=True, help="folder of aligned faces of other persons, in folders or not")
    add("--output", required=True, help="folder to write to")
    add(
        "-s",
        "--sizes",
        type=whole_number(1),
        nargs="+",
        help="sizes of the distractor lists, each drawn for itself, as in the devkit (default: one list, of all)",
    )
    add("-ns", "--num-sets", type=whole_number(1), default=1, help="sets of each size (default: 1)")
    add("--seed", type=whole_number(0), default=0, help="of the draw (default: 0)")
    add("--overwrite", action="store_true", help="replace existing lists (default: refuse)")
    return parser.parse_args(argv)


@tool
def main(argv=None):
    """Write the lists."""
    args = parse(argv)
    output = Path(args.output)
    probes = probe_list(args.probes)
    if not Path(args.distractors).is_dir():
        raise ListError(f"{args.distractors}: expected a folder of aligned faces, found none; check --distractors")
    distractors = [photo.target for photo in find_megaface(args.distractors)]
    if not distractors:
        raise ListError(f"{args.distractors}: expected JPEG or PNG images, found none; check --distractors")
    sizes = args.sizes or [len(distractors)]
    if max(sizes) > len(distractors):
        raise ListError(
            f"{args.distractors}: expected {max(sizes)} images for the longest list, found {len(distractors)}; lower "
            "--sizes, or add images"
        )
    lists = {PROBE_LIST_NAME: probes}
    rng = np.random.default_rng(args.seed)
    for size in sizes:
        for number in range(1, args.num_sets + 1):
            drawn = rng.choice(len(distractors), size, replace=False)
            lists[f"{LIST_NAME}_{size}_{number}"] = TemplateList([distractors[place] for place in drawn.tolist()])
    refuse_existing([output / name for name in lists], args.overwrite)
    for name, templates in lists.items():
        write_template_list(output / name, templates, overwrite=args.overwrite)
        persons = f" of {len(set(templates.ids))} persons" if templates.ids else ""
        print(f"{output / name}: {len(templates.paths)} images{persons}")


def probe_list(root):
    """The `TemplateList` of a folder of identity folders.

    Raises:
        ListError: there are none, or nobody has two images.
    """
    paths = [row.path for row in read_folders(root).rows]
    ids = [path.partition("/")[0] for path in paths]
    if len(set(ids)) == len(ids):
        raise ListError(f"{root}: expected persons of two images or more, found one image each; a probe needs a mate")
    return TemplateList(paths, ids)


if __name__ == "__main__":
    main()
