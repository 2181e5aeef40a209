"""A contact sheet: many small pictures on one page, for a person to look through.

One HTML file holds everything, the pictures too: it opens in any browser, without a network, and runs no script.
"""

import base64
from html import escape
from typing import NamedTuple, Union

import cv2
import numpy as np

from insightrec.recordio_tools.errors import one_line
from insightrec.recordio_tools.image_codec import decode_rgb, encode_rgb

LARGEST_SIDE = 224  # pixels of a picture on the page
LARGEST_ENCODED = 1 << 15  # bytes; an aligned face of 112x112 takes about 8 KB
QUALITY = 85

_TYPES = {b"\xff\xd8": "image/jpeg", b"\x89P": "image/png"}  # by an encoded picture's first bytes
_STYLE = """
:root { color-scheme: light dark; --page: #fff; --frame: #d5d9df; --quiet: #626a75; --text: #1c2128; --empty: #e8eaed; }
@media (prefers-color-scheme: dark) {
  :root { --page: #16191d; --frame: #3a4048; --quiet: #9aa2ad; --text: #e6e8eb; --empty: #2a2f35; }
}
body { margin: 1.5rem auto; max-width: 90rem; padding: 0 1rem; background: var(--page); color: var(--text);
  font: 15px/1.45 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0 0 .3rem; }
h2 { font-size: 1.1rem; margin: 2rem 0 .2rem; }
h2 span, p, figcaption { color: var(--quiet); }
h2 span { font-size: .85rem; font-weight: normal; }
p { margin: 0 0 .8rem; max-width: 60rem; white-space: pre-line; overflow-wrap: anywhere; }
.groups { display: flex; flex-wrap: wrap; gap: .6rem; align-items: flex-start; }
.group { display: flex; flex-wrap: wrap; gap: .5rem; max-width: 100%; box-sizing: border-box; padding: .5rem;
  border: 1px solid var(--frame); border-radius: 6px; }
figure { width: 112px; margin: 0; }
img, .empty { display: block; width: 112px; height: 112px; object-fit: contain; border-radius: 3px;
  background: var(--empty); }
.empty { display: grid; place-items: center; color: var(--quiet); font-size: 12px; }
figcaption { margin-top: .2rem; font-size: 11.5px; line-height: 1.3; white-space: pre-line; overflow-wrap: anywhere; }
"""


class Picture(NamedTuple):
    """One picture: uint8 RGB (H, W, 3), or an encoded JPEG or PNG (bytes), or None where it cannot be read."""

    image: Union[np.ndarray, bytes, None]
    caption: str = ""


class Section(NamedTuple):
    """Pictures under one heading; those of one group stand together in one frame."""

    title: str
    note: str  # may be empty
    groups: list  # of list of Picture


def contact_sheet(title, note, sections):
    """The whole page, an HTML file in UTF-8: bytes, the same for the same arguments.

    Pictures of more than `LARGEST_SIDE` pixels a side, or `LARGEST_ENCODED` bytes, are made smaller. Texts may hold
    anything, file names too: what means something in HTML is escaped, what UTF-8 cannot hold shows as ``\\udcff``.

    Raises:
        ImageError: encoded bytes that are too large to be taken as they are, and cannot be decoded.
    """
    page = (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{escape(title)}</title>\n'
        f'<meta name="viewport" content="width=device-width">\n<style>{_STYLE}</style>\n</head>\n<body>\n'
        f"<h1>{escape(title)}</h1>\n{_paragraph(note)}{''.join(map(_section, sections))}</body>\n</html>\n"
    )
    return page.encode("utf-8", "backslashreplace")


def shown(items, most):
    """At most ``most`` of ``items``, a list, evenly spread over the whole, the first and the last among them."""
    if len(items) <= most:
        return list(items)
    if most < 2:
        return list(items[:most])
    return [items[round(place * (len(items) - 1) / (most - 1))] for place in range(most)]


def _section(section):
    count = sum(map(len, section.groups))
    counted = f"{count} picture{'s' * (count != 1)}"
    if any(len(group) > 1 for group in section.groups):
        counted += f" in {len(section.groups)} group{'s' * (len(section.groups) != 1)}"
    heading = f"<h2>{escape(section.title)} <span>{counted}</span></h2>"
    groups = "".join(map(_group, section.groups))
    return f'<section>\n{heading}\n{_paragraph(section.note)}<div class="groups">\n{groups}</div>\n</section>\n'


def _group(pictures):
    return f'<div class="group">\n{"".join(map(_figure, pictures))}</div>\n'


def _figure(picture):
    caption = f"<figcaption>{escape(picture.caption)}</figcaption>" if picture.caption else ""
    return f"<figure>{_image(picture)}{caption}</figure>\n"


def _image(picture):
    if picture.image is None:
        return '<div class="empty">not readable</div>'
    data, kind = _encoded(picture.image, one_line(picture.caption) or "picture")
    text = base64.b64encode(data).decode("ascii")
    return f'<img alt="{escape(picture.caption)}" src="data:{kind};base64,{text}">'


def _encoded(image, source):
    """(bytes, type) of a picture small enough for the page."""
    if isinstance(image, bytes):
        kind = _TYPES.get(image[:2])
        if kind and len(image) <= LARGEST_ENCODED:
            return image, kind
        image = decode_rgb(image, source)
    shrink = LARGEST_SIDE / max(image.shape[:2])
    if shrink < 1:
        size = tuple(max(1, round(side * shrink)) for side in image.shape[1::-1])
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return encode_rgb(image, ".jpg", QUALITY), "image/jpeg"


def _paragraph(text):
    return f"<p>{escape(text)}</p>\n" if text else ""
