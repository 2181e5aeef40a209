"""What a search for duplicates found, as a list for other tools, as a table, and as a page to look at."""

import csv
import io
from typing import Callable, NamedTuple

from insightrec.recordio_tools.contact_sheet import Picture, Section, contact_sheet, shown

MOST_SHOWN = 400  # candidates on a page


class Duplicate(NamedTuple):
    """One candidate: something that resembles a person, or an image, of the other set.

    name: the image's path, or the identity's name. counterpart: the person or image that it resembles most. kind:
    ``"same-person"`` or ``"near-identical"``. cosine: of their features, -1..1.
    """

    name: str
    counterpart: str
    kind: str
    cosine: float


def candidate_list(duplicates, comment):
    """The list: a comment, then ``cosine<TAB>name`` a line, each name once, as bytes.

    The noise lists' form, which ``remove_noises.py`` and ``face2rec.py --exclude`` read: the second column counts.
    """
    best = {}
    for duplicate in duplicates:
        best[duplicate.name] = max(duplicate.cosine, best.get(duplicate.name, -1))
    lines = [f"# {comment}", *(f"{cosine:.6f}\t{name}" for name, cosine in best.items())]
    return "\n".join([*lines, ""]).encode("utf-8", "surrogateescape")


def candidate_table(duplicates):
    """The table: CSV with a line for each `Duplicate`, as bytes."""
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(Duplicate._fields)
    writer.writerows((name, counterpart, kind, f"{cosine:.6f}") for name, counterpart, kind, cosine in duplicates)
    return table.getvalue().encode("utf-8", "surrogateescape")


class PictureSource(NamedTuple):
    """Where a report takes pictures from: functions of a name that give an image or None."""

    of_name: Callable
    of_counterpart: Callable


def candidate_page(duplicates, title, note, pictures):
    """The page: candidates beside their counterparts, those that resemble them most first, as bytes.

    Args:
        duplicates: list of `Duplicate`.
        pictures: `PictureSource`.
    """
    sections = []
    for kind in dict.fromkeys(duplicate.kind for duplicate in duplicates):
        found = sorted((each for each in duplicates if each.kind == kind), key=lambda each: (-each.cosine, each.name))
        selected = shown(found, MOST_SHOWN)
        groups = [
            [
                Picture(pictures.of_name(each.name), f"{each.cosine:.3f} {each.name}"),
                Picture(pictures.of_counterpart(each.counterpart), each.counterpart),
            ]
            for each in selected
        ]
        count = f"{len(found)} found" + (f", {len(selected)} shown" if len(selected) < len(found) else "")
        sections.append(Section(kind, count, groups))
    return contact_sheet(title, note, sections)
