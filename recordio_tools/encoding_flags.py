"""The flags of tools that encode faces: ``--encoding`` and ``--quality``."""

from insightrec.recordio_tools.image_codec import ENCODINGS, JPEG_QUALITY

_QUALITIES = {".jpg": (1, 100, JPEG_QUALITY), ".png": (0, 9, 9)}  # lowest, highest, default


def add_encoding_flags(parser, faces):
    """Add ``--encoding`` and ``--quality`` of the ``faces`` that a tool encodes; `encoding_quality` reads them."""
    parser.add_argument("--encoding", choices=ENCODINGS, default=".jpg", help=f"of {faces} (default: .jpg)")
    parser.add_argument(
        "--quality",
        type=int,
        help=f"of {faces}: JPEG 1..100 (default: {JPEG_QUALITY}), or PNG's compression 0..9 (default: 9)",
    )


def encoding_quality(parser, args):
    """The quality that ``--encoding`` and ``--quality`` say; ends the program where they do not fit."""
    lowest, highest, default = _QUALITIES[args.encoding]
    quality = default if args.quality is None else args.quality
    if not lowest <= quality <= highest:
        parser.error(f"--quality: expected {lowest}..{highest} for {args.encoding}, found {quality}")
    return quality
