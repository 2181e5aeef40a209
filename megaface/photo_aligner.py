"""One photo of the MegaFace protocol aligned, its crop written, and what is to be told of it."""

import math
from pathlib import Path

from insightrec.deploy.mtcnn_weights import load_networks
from insightrec.deploy.photo_alignment import weights_of
from insightrec.deploy.photo_result import PhotoResult
from insightrec.megaface.alignment_table import FAILED
from insightrec.megaface.guided_alignment import HOW, GuidedAligner, mtcnn_detectors
from insightrec.megaface.megaface_landmarks import read_guide
from insightrec.megaface.unturned_image import read_unturned
from insightrec.recordio_tools.atomic_file import write_quickly
from insightrec.recordio_tools.errors import ImageError
from insightrec.recordio_tools.file_stamp import file_stamp
from insightrec.recordio_tools.image_codec import encode_rgb

# What can become of a photo, and what is known then (`parse_result`).
_FOUND, _CUT = ("score", "box", "landmarks", "crop"), ("box", "crop")
STATUSES = {**dict(zip(HOW, (_FOUND, _FOUND, _FOUND, _CUT, _CUT))), FAILED: ()}


class PhotoAligner:
    """Makes the crops of photos; see `resumable_alignment`.

    Args:
        aligner: `GuidedAligner`.
        output: path of the folder for the crops.
        settings: dict for JSON, what the crops depend on.
    """

    statuses = STATUSES

    def __init__(self, aligner, output, settings):
        self._aligner, self._output, self.settings = aligner, Path(output), settings

    def stamp(self, photo):
        """By which a change is noticed of the photo, or of what is given of its face."""
        guide = photo.guide
        if guide is None:
            return [file_stamp(photo.source), file_stamp(_guide_path(photo))]
        return [file_stamp(photo.source), *(None if part is None else part.tolist() for part in guide[:2])]

    def align(self, photo):
        """Align a `ProtocolPhoto`, write its crop, and return its `PhotoResult`.

        A photo that cannot be used gets none, and one whose guide cannot be used is aligned without it; the result's
        ``fault`` says so.
        """
        known = {"photo": photo.photo, "stamp": self.stamp(photo)}
        guide = read_guide(_guide_path(photo)) if photo.guide is None else photo.guide
        try:
            image = read_unturned(photo.source)
            known.update(zip(("height", "width"), image.shape))
            face = self._aligner.align(image, guide)
        except ImageError as error:
            reason = str(error).removeprefix(f"{photo.source}: ")
            return PhotoResult(**known, status=FAILED, fault=_one_line(f"{photo.source}: {reason}"))
        data = encode_rgb(face.crop, ".png" if photo.crop.lower().endswith(".png") else ".jpg")
        write_quickly(self._output / photo.crop, data)
        faults = [guide.fault, f"{photo.source}: {face.fault}" if face.fault else ""]
        is_found = not math.isnan(face.score)
        return PhotoResult(
            **known,
            status=face.how,
            score=face.score if is_found else None,
            box=face.box.tolist(),
            landmarks=face.landmarks.tolist() if is_found else None,
            crop=photo.crop,
            crop_bytes=len(data),
            fault=_one_line("; ".join(filter(None, faults))),
        )


def open_aligner(mtcnn, image_size, output):
    """The `PhotoAligner` with the networks of the folder ``mtcnn``, or of the installed package where it is None.

    Raises:
        InputError, ModelError: as `load_networks`.
    """
    networks = load_networks(mtcnn)
    settings = {"image_size": image_size, "mtcnn": weights_of(networks)}
    return PhotoAligner(GuidedAligner(mtcnn_detectors(networks), image_size), output, settings)


def _guide_path(photo):
    return f"{photo.source}.json"


def _one_line(text):
    return " ".join(text.split())
