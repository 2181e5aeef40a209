"""Features of FaceScrub's and MegaFace's aligned images, as the MegaFace devkit reads them, or packed.

The flags are those of InsightFace's ``gen_megaface.py``.
"""

import argparse
import json
import os
from pathlib import Path

from insightrec.deploy.embedder import IMAGE_SIZE
from insightrec.deploy.embedder_device import GPU_HELP, open_embedder
from insightrec.megaface.feature_run import run_features
from insightrec.megaface.feature_target import FileTarget, StoreTarget, prepare_target
from insightrec.megaface.joined_models import JoinedModels, find_joined_models
from insightrec.megaface.path_list import DISTRACTOR_DEPTH, PROBE_DEPTH, read_path_list
from insightrec.recordio_tools.atomic_file import atomic_write
from insightrec.recordio_tools.command_line import image_size, tool, whole_number
from insightrec.recordio_tools.errors import ImageError, InputError, ListError
from insightrec.recordio_tools.file_hash import sha256
from insightrec.recordio_tools.usable_cores import usable_cores

DEPTHS = {"facescrub": PROBE_DEPTH, "megaface": DISTRACTOR_DEPTH}


def input_shape(text):
    """argparse type of ``3,height,width``, InsightFace's form, or ``height,width``: (height, width) in pixels."""
    return image_size(text[2:] if text.startswith("3,") and text.count(",") == 2 else text)


def algorithm(text):
    """argparse type of the method's name, which is a part of files' names."""
    if not text or "/" in text or "\0" in text:
        raise argparse.ArgumentTypeError(f"expected a name that a file's name can hold, found {text!r}")
    return text


def parse(argv):
    """The command line, as an argparse namespace."""
    parser = argparse.ArgumentParser(
        prog="gen_megaface.py",
        description=f"{__doc__} For each model the embeddings of an image and its mirror image are added and divided "
        "by their length; those of several models stand side by side, and are divided by their length again. A run "
        "that was stopped, by whatever, goes on with --resume and gives the same bytes. An image that cannot be read "
        "stops nothing: at the end it stands in OUTPUT/facescrub_unreadable.txt or megaface_unreadable.txt with the "
        "reason, and the exit status is 2, so that no later step goes on without it; --resume tries it again. These "
        "files are noise lists: remove_noises.py --policy drop --megaface-lst LIST --megaface-noises "
        "OUTPUT/megaface_unreadable.txt --feature-dir-out LISTS makes lists without such images (with facescrub for "
        "FaceScrub's), on which run_experiment.py runs. Where no image can be read the run stops early.",
    )
    add = parser.add_argument
    add(
        "--model",
        default="../../models/model-r100-ii/model,0",
        help="'prefix,epoch' of an MXNet model or an .onnx file; several are joined by |, and a number alone is "
        "another epoch of the prefix before it (default: ../../models/model-r100-ii/model,0)",
    )
    add("--facescrub-lst", default="./data/facescrub_lst", help=_list_help("FaceScrub's images", "facescrub_lst"))
    add("--megaface-lst", default="./data/megaface_lst", help=_list_help("MegaFace's images", "megaface_lst"))
    for name in DEPTHS:
        root = f"./data/{name}_images"
        add(f"--{name}-root", default=root, help=f"folder that the paths of --{name}-lst are below (default: {root})")
    add("--nomf", action="store_true", help="FaceScrub only (default: MegaFace too)")
    add("--output", default="./feature_out", help="folder to write to (default: ./feature_out)")
    add(
        "--layout",
        choices=("files", "store"),
        default="files",
        help="files: OUTPUT/facescrub/PERSON/IMAGE_ALGO.bin and OUTPUT/megaface/DIGITS/ALBUM/IMAGE_ALGO.bin, as "
        "run_experiment.py looks for them; store: a matrix, OUTPUT/facescrub.npy, and the list of its rows, "
        "OUTPUT/facescrub.json, and so for MegaFace, which spares a million small files (default: files)",
    )
    add("--algo", type=algorithm, default="insightface", help="ALGO in the names of files (default: insightface)")
    add(
        "--image-size",
        "--image_size",
        type=input_shape,
        help="3,height,width or height,width in pixels of the images and the models' input (default: what an .onnx "
        "file declares, else 3,112,112)",
    )
    add(
        "--batch-size",
        "--batch_size",
        type=whole_number(1),
        default=8,
        help="images a forward pass; a GPU is faster with more; features of other sizes differ in their last bits, so "
        "that --resume needs the same (default: 8)",
    )
    add("--gpu", type=whole_number(-1), help=GPU_HELP)
    add(
        "--threads",
        type=whole_number(1),
        help="threads that decode images, and threads of ONNX Runtime (default: as many as cores, each)",
    )
    add(
        "--on-error",
        choices=("raise", "skip"),
        default="raise",
        help="images that cannot be read are an error at the end, and a store is then not whole (raise), or only "
        "listed (skip); with --resume they are tried again in both cases, and a store that was whole without them gets "
        "their rows at its end (default: raise)",
    )
    again = parser.add_mutually_exclusive_group()
    again.add_argument(
        "--resume",
        action="store_true",
        help="keep the whole features that an earlier run with the same models made, compute the others "
        "(default: refuse)",
    )
    again.add_argument("--overwrite", action="store_true", help="remove the features that are there (default: refuse)")
    return parser.parse_args(argv)


@tool
def main(argv=None):
    """Compute and write the features of both sets."""
    args = parse(argv)
    output = Path(args.output)
    names = ["facescrub"] if args.nomf else list(DEPTHS)
    images = {
        name: images_of(getattr(args, f"{name}_root"), getattr(args, f"{name}_lst"), DEPTHS[name]) for name in names
    }
    files = find_joined_models(args.model)
    models = open_models(files, args)
    origin = origin_of(files, models.image_size, args.batch_size)
    targets = {name: target_of(output, name, images[name], models.dimension, args) for name in names}
    for target in targets.values():
        prepare_target(target, origin, resume=args.resume, overwrite=args.overwrite)
    failures = []
    for name, target in targets.items():
        try:
            generate(name, target, models, images[name], output, args)
        except ImageError as error:
            failures.append(str(error))
    if failures:
        raise ImageError("; ".join(failures))


def images_of(root, list_path, depth):
    """What a list names: dict of the path that a feature is filed under -> file of the image, each once.

    A line's feature is filed under the last ``depth`` parts of its path, as by InsightFace's tool.

    Raises:
        ListError: as `read_path_list`; two images would have one feature.
        InputError: there is no folder ``root``.
    """
    paths = read_path_list(list_path, depth).paths
    images = {}
    for path, image in zip(paths, read_path_list(list_path).paths):
        file = os.path.join(root, image)
        if images.setdefault(path, file) != file:
            raise ListError(
                f"{list_path}: expected images that differ in the last {depth} parts of their paths, found "
                f"{images[path]} and {file}; features are filed under these parts, so list only one of them"
            )
    if not os.path.isdir(root):
        raise InputError(f"{root}: expected the folder of the images of {list_path}, found none; check the path")
    return images


def open_models(files, args):
    """`JoinedModels` of the `ModelFiles`."""
    return JoinedModels(
        [
            open_embedder(
                model,
                gpu=args.gpu,
                image_size=args.image_size,
                default_size=IMAGE_SIZE,
                threads=args.threads,
                batch_size=args.batch_size,
            )
            for model in files
        ]
    )


def origin_of(files, size, batch_size):
    """What decides the features, as JSON, bytes: the models, by their files' hashes, image size and batch size."""
    models = [{path.name: sha256(path) for path in model if path} for model in files]
    content = {"models": models, "image_size": size, "batch_size": batch_size}
    return json.dumps(content, indent=2).encode("ascii") + b"\n"


def target_of(output, name, images, dimension, args):
    """The `FileTarget` or `StoreTarget` of a set."""
    if args.layout == "store":
        return StoreTarget(output, name, dimension)
    return FileTarget(output, name, args.algo, images, dimension)


def generate(name, target, models, images, output, args):
    """Compute and write the features of one set, list what cannot be read, and print a line.

    Raises:
        ImageError: there are images that cannot be read, and they are to be an error.
    """
    report = output / f"{name}_unreadable.txt"
    with target.open() as writer:
        run = run_features(
            models,
            images,
            writer,
            name=name,
            batch_size=args.batch_size,
            threads=args.threads or usable_cores(),
        )
        write_report(report, run.unreadable)
        unreadable = f"{report}: {len(run.unreadable)} of {len(images)} images cannot be read"
        if run.unreadable and args.on_error == "raise":
            skip = "run again with --resume --on-error skip, then " if args.layout == "store" else ""
            raise ImageError(
                f"{unreadable}, the others are done; correct these and run again with --resume, or leave them out: "
                f"{skip}{_drop_command(name, report)}"
            )
    kept = f" ({run.there_before} there before)" if run.there_before else ""
    print(f"{name}: {run.computed + run.there_before} features of {models.dimension} numbers{kept}: {target}")
    if run.scaled:
        height, width = models.image_size
        print(f"  {run.scaled} images of other sizes were scaled to the models' {height}x{width}")
    if run.unreadable:
        print(f"  {unreadable}; for lists without them: {_drop_command(name, report)}")


def write_report(path, unreadable):
    """Write a line ``reason<TAB>path`` for each image that cannot be read; no file where there is none.

    It is a noise list, which `remove_noises` reads.
    """
    if unreadable:
        with atomic_write(path, overwrite=True) as file:
            file.write(b"# reason<TAB>path of the images that cannot be read\n")
            for image, reason in unreadable.items():
                text = " ".join(str(reason).split()).lstrip("#")  # a line with # first would be a comment
                file.write(os.fsencode(f"{text}\t{image}\n"))
    else:
        path.unlink(missing_ok=True)


def _drop_command(name, report):
    return (
        f"remove_noises.py --policy drop --{name}-lst LIST --{name}-noises {report} --feature-dir-out LISTS, where "
        "LIST is a list of the experiment"
    )


def _list_help(what, default):
    return (
        f"list of {what}: one path a line, aligned<TAB>path<TAB>label, or the devkit's JSON (default: ./data/{default})"
    )


if __name__ == "__main__":
    main()
