"""Five-point alignment: the similarity that carries a face's landmarks onto the reference template.

Landmarks are (x, y) in pixels: left eye, right eye, nose, left and right mouth corner (as seen).
"""

import cv2
import numpy as np

from insightrec.recordio_tools.errors import ImageError

# InsightFace's template for crops of 112 x 96 (height x width); 112 x 112 moves it 8 px to the right.
TEMPLATE_112X96 = np.array(
    [(30.2946, 51.6963), (65.5318, 51.5014), (48.0252, 71.7366), (33.5493, 92.3655), (62.7299, 92.2041)]
)
SIZES = ((112, 112), (112, 96))  # (height, width) the template is defined for
_MIN_SPREAD = 1.0  # pixels, root mean square; landmarks closer together carry no rotation or scale
MAX_SIDE = (1 << 15) - 2  # OpenCV 4's warp
_MIN_SCALE = 1e-3  # a face of 50,000 pixels; a smaller scale comes of a wrong landmark


def template(image_size):
    """Reference landmarks, float64 (5, 2), of a crop of ``(height, width)``, one of `SIZES`.

    Raises:
        ImageError: another size.
    """
    if tuple(image_size) not in SIZES:
        raise ImageError(f"alignment to {image_size[0]}x{image_size[1]}: the template is for 112x112 and 112x96")
    return TEMPLATE_112X96 + ((image_size[1] - 96) / 2, 0.0)


def similarity(source, target):
    """Least-squares rotation, scale and shift from points to points, without reflection.

    With points as complex numbers the map is ``z -> a z + b``, linear in a and b; equal to Umeyama's
    solution (PAMI 1991) in two dimensions.

    Args:
        source, target: (n, 2), n >= 2.

    Returns:
        float64 (2, 3) matrix M such that ``target ~ M @ [x, y, 1]``.

    Raises:
        ImageError: the source points are not finite, (nearly) coincide, or lie too far apart.
    """
    source, target = np.asarray(source, np.float64), np.asarray(target, np.float64)
    with np.errstate(all="ignore"):  # what overflows is refused
        if not source.var(axis=0).sum() >= _MIN_SPREAD**2:  # nor NaN
            raise _degenerate()
        source, target = (points[:, 0] + 1j * points[:, 1] for points in (source, target))
        centered = source - source.mean()
        a = np.vdot(centered, target - target.mean()) / np.vdot(centered, centered)
        b = target.mean() - a * source.mean()
    matrix = np.array([[a.real, -a.imag, b.real], [a.imag, a.real, b.imag]])
    if not np.isfinite(matrix).all() or abs(a) < _MIN_SCALE:
        raise _degenerate()
    return matrix


def align_face(image, landmarks, image_size=(112, 112)):
    """Warp a face onto the template, bilinear, black outside the photo.

    Args:
        image: uint8 (H, W, C).
        landmarks: (5, 2), (x, y) in pixels of ``image``.
        image_size: ``(height, width)`` of the crop.

    Returns:
        uint8 (height, width, C).

    Raises:
        ImageError: degenerate landmarks or none within the image, an image with a side of more than 32,766 pixels, or a
            size without a template.
    """
    matrix = similarity(landmarks, template(image_size))
    height, width = image.shape[:2]
    check_sides(image)
    if not np.any(np.all((np.asarray(landmarks) >= 0) & (np.asarray(landmarks) < (width, height)), axis=1)):
        raise ImageError(f"expected landmarks within the image, {height}x{width}, found all five outside")
    return cv2.warpAffine(image, matrix, (image_size[1], image_size[0]), borderValue=0.0)


def check_sides(image):
    """Raise `ImageError` for an image with a side of more than `MAX_SIDE` pixels."""
    height, width = image.shape[:2]
    if max(height, width) > MAX_SIDE:
        raise ImageError(f"expected an image of at most {MAX_SIDE} pixels a side, found {height}x{width}; shrink it")


def _degenerate():
    return ImageError(
        "expected five distinct landmarks, found points that coincide, lie too far apart or are not finite"
    )
