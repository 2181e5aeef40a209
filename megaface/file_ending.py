"""The ending of feature files as a flag's value, such as ``_model.bin``."""

import argparse


def ending(text):
    """argparse type of what follows an image's path in the name of its feature file; it stays within the folder."""
    if "/" in text or "\0" in text or text == "..":
        raise argparse.ArgumentTypeError(f"expected the ending of a file's name, found {text!r}")
    return text
