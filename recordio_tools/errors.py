"""What can be wrong with a user's input, as one small exception family.

A message is one line that names the file, the place in it, what was expected, what was found and
what to do, e.g. ``train.rec: byte 40960: expected magic 0xced7230a, found 0x00000000; the file is
damaged from here on``. A command-line tool prints it and exits with status 2 (`command_line.tool`).
"""


class InputError(ValueError):
    """Something the user gave cannot be used as it is."""


class RecordError(InputError):
    """A record file, its index or its property file is damaged or inconsistent."""


class ListError(InputError):
    """An image list (``.lst``), a pair list or a list of the MegaFace protocol cannot be read."""


class ImageError(InputError):
    """An image cannot be decoded or has the wrong size."""


class PackError(InputError):
    """A verification pack (``.bin``) is damaged, hostile or of an unknown dialect."""


class ModelError(InputError):
    """A model's graph or parameters are missing, damaged or not supported."""


class FeatureError(InputError):
    """A feature file or store is missing, damaged or of another size."""


class OutputError(InputError):
    """The output exists already or cannot be written."""


def one_line(error, most=300):
    """What a library's exception says, on one line of at most ``most`` characters, for the end of a message."""
    return " ".join(str(error).split())[:most]
