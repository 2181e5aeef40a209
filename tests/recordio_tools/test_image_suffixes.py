from insightrec.recordio_tools.image_suffixes import IMAGE_SUFFIXES, PHOTO_SUFFIXES, SUFFIXES


def test_what_goes_into_records_is_also_a_photo():
    assert IMAGE_SUFFIXES == (".bmp", ".jpeg", ".jpg", ".png", ".webp")
    assert set(PHOTO_SUFFIXES) - set(IMAGE_SUFFIXES) == {".gif", ".tif", ".tiff"}
    assert set(SUFFIXES.values()) <= set(IMAGE_SUFFIXES)
