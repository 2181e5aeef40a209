"""Which endings of a file's name are taken for an image in a folder."""

# Of what goes into records, by Pillow's name of the format; MPO is a JPEG followed by further pictures, as some cameras
# write.
SUFFIXES = {"JPEG": ".jpg", "MPO": ".jpg", "PNG": ".png", "BMP": ".bmp", "WEBP": ".webp"}
IMAGE_SUFFIXES = tuple(sorted({*SUFFIXES.values(), ".jpeg"}))  # of aligned faces, whose bytes become records
PHOTO_SUFFIXES = tuple(
    sorted({*IMAGE_SUFFIXES, ".gif", ".tif", ".tiff"})
)  # of photos, which are read and aligned first
