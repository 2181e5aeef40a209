"""Formats and data sets: RecordIO, identity-indexed record sets, image lists, verification packs."""

import os

MAX_PIXELS = 1 << 26  # of one image, 8192 x 8192; OpenCV's own limit, 2^30, lets a small file claim 3 GB
# OpenCV reads these once, when it is imported, so they stand here, before every module that does.
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(MAX_PIXELS))
os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")  # a damaged image is our one line, not OpenCV's too
