"""One photo of a folder aligned, its crop written, and what is to be told of it."""

import functools
import os
from typing import NamedTuple, Optional

from insightrec.deploy.face_aligner import DETECTION_SIDE, FaceAligner
from insightrec.deploy.mtcnn import MTCNN
from insightrec.deploy.mtcnn_weights import load_networks
from insightrec.recordio_tools.atomic_file import write_quickly
from insightrec.recordio_tools.errors import ImageError, ListError
from insightrec.recordio_tools.image_codec import JPEG_QUALITY, encode_rgb, read_image
from insightrec.recordio_tools.list_file import check_path

STATUSES = ("aligned", "center-crop", "no-face", "failed")


class AlignmentSettings(NamedTuple):
    """All that decides what becomes of a photo; the names are those of the flags of align_faces."""

    mtcnn: Optional[str] = None
    image_size: tuple = (112, 112)
    encoding: str = ".jpg"
    quality: int = JPEG_QUALITY
    min_face: int = 20
    thresholds: tuple = (0.6, 0.7, 0.8)
    factor: float = 0.709
    no_refine: bool = False
    choose: str = "central"
    on_missing: str = "skip"
    detect_side: int = DETECTION_SIDE

    def open_aligner(self):
        """The `FaceAligner` of these settings.

        Raises:
            InputError, ModelError: as `load_networks`.
        """
        detector = functools.partial(
            MTCNN,
            load_networks(self.mtcnn),
            thresholds=self.thresholds,
            factor=self.factor,
            landmark_refinement=False if self.no_refine else None,
        )
        return FaceAligner(
            detector,
            image_size=self.image_size,
            rule=self.choose,
            on_missing=self.on_missing,
            min_face=self.min_face,
            detection_side=self.detect_side,
        )


class PhotoJob(NamedTuple):
    """A photo's path below the input folder, and its crop's below the output folder."""

    photo: str
    crop: str


class PhotoResult(NamedTuple):
    """What became of one photo; None is what is not known. All of it can stand in JSON."""

    photo: str  # path below the input folder
    stamp: Optional[list]  # of the file: bytes, time of change in ns
    status: str  # one of `STATUSES`
    reason: str = ""  # why there is no crop of a face
    height: Optional[int] = None  # pixels, upright
    width: Optional[int] = None
    faces: Optional[int] = None  # found
    score: Optional[float] = None
    box: Optional[list] = None  # x1, y1, x2, y2
    landmarks: Optional[list] = None  # 5 of [x, y]
    crop: str = ""  # path below the output folder
    crop_bytes: int = 0


class PhotoAlignment:
    """Aligns photos of the folder ``photos`` into the folder ``crops`` (pathlib.Path).

    ``aligner`` is a `FaceAligner`; ``encoding`` and ``quality`` are `encode_rgb`'s.
    """

    def __init__(self, photos, crops, aligner, encoding=".jpg", quality=JPEG_QUALITY):
        self._photos, self._crops, self._aligner = photos, crops, aligner
        self._encoding, self._quality = encoding, quality

    def align(self, job):
        """Align one photo and write its crop, if there is one; returns `PhotoResult`.

        A photo that cannot be used is no error but a result, with the reason.

        Raises:
            OSError: the crop cannot be written.
        """
        path = self._photos / job.photo
        known = {"photo": job.photo, "stamp": file_stamp(path)}
        try:
            check_path(job.photo)
            _, image = read_image(path)
            known.update(zip(("height", "width"), image.shape))
            face = self._aligner.align(image)
        except (ImageError, ListError) as error:
            return PhotoResult(**known, status="failed", reason=str(error).removeprefix(f"{path}: "))
        if face is None:
            return PhotoResult(**known, status="no-face", reason="no face found", faces=0)
        data = encode_rgb(face.crop, self._encoding, self._quality)
        write_quickly(self._crops / job.crop, data)
        found = face.how == "detected"
        return PhotoResult(
            **known,
            status="aligned" if found else "center-crop",
            reason="" if found else "no face found",
            faces=face.faces,
            score=face.score if found else None,
            box=face.box.tolist(),
            landmarks=face.landmarks.tolist(),
            crop=job.crop,
            crop_bytes=len(data),
        )


def file_stamp(path):
    """[bytes, time of change in ns] of a file, by which a change is noticed; None where there is none."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return [status.st_size, status.st_mtime_ns]


def open_alignment(photos, crops, settings):
    """Make this process ready for `align_photo`; the arguments are `PhotoAlignment`'s and `AlignmentSettings`."""
    global _alignment
    _alignment = PhotoAlignment(photos, crops, settings.open_aligner(), settings.encoding, settings.quality)


def align_photo(job):
    """`PhotoAlignment.align` in a process that `open_alignment` made ready."""
    return _alignment.align(job)
