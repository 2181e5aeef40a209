"""One photo of a folder aligned, its crop written, and what is to be told of it."""

import functools
from typing import NamedTuple, Optional

from insightrec.deploy.face_aligner import DETECTION_SIDE, FaceAligner
from insightrec.deploy.mtcnn import MTCNN
from insightrec.deploy.mtcnn_weights import INPUTS, load_networks
from insightrec.deploy.photo_result import PhotoResult
from insightrec.recordio_tools.atomic_file import write_quickly
from insightrec.recordio_tools.errors import ImageError, ListError
from insightrec.recordio_tools.file_hash import sha256
from insightrec.recordio_tools.file_stamp import file_stamp
from insightrec.recordio_tools.image_codec import JPEG_QUALITY, encode_rgb
from insightrec.recordio_tools.image_file import read_image
from insightrec.recordio_tools.list_file import check_path

# What can become of a photo, and what is known then (`parse_result`).
STATUSES = {
    "aligned": ("faces", "score", "box", "landmarks", "crop"),
    "center-crop": ("faces", "box", "landmarks", "crop"),
    "no-face": ("faces",),
    "failed": (),
}


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

    def open_aligner(self, networks):
        """The `FaceAligner` of these settings and of `MtcnnNetworks`."""
        detector = functools.partial(
            MTCNN,
            networks,
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


def weights_of(networks):
    """Which weights `MtcnnNetworks` have: name and beginning of the SHA-256 of each network's file of parameters."""
    return ",".join(f"{stage}:{sha256(network.source)[:8]}" for stage, network in zip(INPUTS, networks) if network)


class PhotoJob(NamedTuple):
    """A photo's path below the input folder, and its crop's below the output folder."""

    photo: str
    crop: str


class PhotoAlignment:
    """Aligns photos of the folder ``photos`` into the folder ``crops`` (pathlib.Path); see `resumable_alignment`.

    ``aligner`` is a `FaceAligner`, by default that of ``settings``. Of the weights, the aligner's settings hold what
    they are (`weights_of`), not where: det4 is among them where it is there to refine landmarks.

    Raises:
        InputError, ModelError: as `load_networks`.
    """

    statuses = STATUSES

    def __init__(self, photos, crops, settings, aligner=None):
        self.settings = {"input": str(photos.resolve()), **settings._asdict()}
        self._photos, self._crops = photos, crops
        self._encoding, self._quality = settings.encoding, settings.quality
        if aligner is None:
            networks = load_networks(settings.mtcnn)
            self.settings["mtcnn"] = weights_of(networks)
            aligner = settings.open_aligner(networks)
        self._aligner = aligner

    def stamp(self, job):
        """By which a change of the photo is noticed."""
        return file_stamp(self._photos / job.photo)

    def align(self, job):
        """Align one photo and write its crop, if there is one; returns `PhotoResult`.

        A photo that cannot be used is no error but a result, with the reason.

        Raises:
            OSError: the crop cannot be written.
        """
        path = self._photos / job.photo
        known = {"photo": job.photo, "stamp": self.stamp(job)}
        try:
            check_path(job.photo)
            _, image = read_image(path)
            known.update(zip(("height", "width"), image.shape))
            face = self._aligner.align(image)
        except (ImageError, ListError) as error:
            reason = str(error).removeprefix(f"{path}: ")
            return PhotoResult(**known, status="failed", reason=reason, fault=f"{path}: {reason}")
        if face is None:
            return PhotoResult(**known, status="no-face", reason="no face found", faces=0)
        known.update(faces=face.faces, box=face.box.tolist(), landmarks=face.landmarks.tolist())
        data = encode_rgb(face.crop, self._encoding, self._quality)
        write_quickly(self._crops / job.crop, data)
        known.update(crop=job.crop, crop_bytes=len(data))
        if face.how == "detected":
            return PhotoResult(**known, status="aligned", score=face.score)
        reason = f"none of {face.faces} faces has landmarks to align it by" if face.faces else "no face found"
        return PhotoResult(**known, status="center-crop", reason=reason)
