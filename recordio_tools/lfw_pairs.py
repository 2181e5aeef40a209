"""LFW's pair lists, ``pairs.txt`` and the development lists (Huang et al., 2007)::

    10 300                            folds, pairs of each kind in a fold; or one number: pairs of each kind
    Abel_Pacheco 1 4                  same: person, two image numbers
    Abdel_Madi 1 Dean_Barker 2        different: person, image number, person, image number

Each fold is its same pairs, then its different pairs. Image 4 of a person is ``<person>/<person>_0004.jpg``.
"""

from insightrec.recordio_tools.errors import ListError
from insightrec.recordio_tools.pair_list import Pair, inside_root, is_number, read_lines


def read_lfw_pairs(path):
    """Read a list in LFW's format; returns a list of `Pair` in its order.

    Raises:
        ListError: a line does not fit, with its number; the header promises another number of pairs.
    """
    header, *lines = read_lines(path)
    numbers = header.text.split()
    if len(numbers) not in (1, 2) or not all(is_number(number) for number in numbers):
        raise header.error("'folds pairs' or 'pairs', e.g. '10 300'")
    folds, count = (1, *map(int, numbers))[-2:]
    if len(lines) != folds * 2 * count:
        raise ListError(f"{path}: expected {folds * 2 * count} pairs ('{header.text}'), found {len(lines)}")
    return [_pair(line, i // (2 * count), i // count % 2 == 0) for i, line in enumerate(lines)]


def _pair(line, fold, is_same):
    fields = line.text.split()
    if len(fields) != (3 if is_same else 4) or not (is_number(fields[1]) and is_number(fields[-1])):
        wanted = "'name i j' (a same pair" if is_same else "'name i name j' (a different pair"
        raise line.error(f"{wanted} of fold {fold + 1})")
    person_a, person_b = fields[0], fields[0 if is_same else 2]
    return Pair(_image(person_a, fields[1], line), _image(person_b, fields[-1], line), is_same, fold)


def _image(person, number, line):
    return inside_root(f"{person}/{person}_{int(number):04d}.jpg", line)
