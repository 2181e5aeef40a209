"""CFP's protocol folder (Sengupta et al., WACV 2016), frontal-frontal (FF) and frontal-profile (FP)::

    Protocol/Pair_list_F.txt          frontal images: 'index path', index from 1,
    Protocol/Pair_list_P.txt          profile images: e.g. '1 ../Data/Images/001/profile/01.jpg'
    Protocol/Split/FP/01/same.txt     a split's pairs: 'i,j', i in list F and j in list P (FF: both in F)
    Protocol/Split/FP/01/diff.txt

There are 10 splits of 350 same and 350 different pairs. Images are looked up under their path from the
data set's folder: ``Data/Images/001/profile/01.jpg``. InsightFace's own packs were made from a .mat
file with the same pairs.
"""

from pathlib import Path

from insightrec.recordio_tools.errors import ListError
from insightrec.recordio_tools.pair_list import FOLDS, Pair, inside_root, is_number, read_lines


def cfp_protocol_files(folder, protocol):
    """The files that define ``protocol`` ("FF" or "FP"): list of the first images, of the second, then the splits."""
    folder = Path(folder)
    splits = [
        folder / "Split" / protocol / f"{split:02d}" / name
        for split in range(1, FOLDS + 1)
        for name in ("same.txt", "diff.txt")
    ]
    return [folder / "Pair_list_F.txt", folder / f"Pair_list_{protocol[1]}.txt", *splits]


def read_cfp_pairs(folder, protocol):
    """Read a protocol, "FF" or "FP"; returns a list of `Pair`: by split, the same pairs first.

    Raises:
        ListError: a file is missing, a line does not fit, an index is not listed, splits differ in size.
    """
    first_list, second_list, *splits = cfp_protocol_files(folder, protocol)
    first = _read_images(first_list)
    second = _read_images(second_list)
    pairs = []
    sizes = {}
    for number, path in enumerate(splits):
        lines = read_lines(path)
        size = sizes.setdefault(path.name, len(lines))
        if len(lines) != size:
            raise ListError(f"{path}: expected {size} pairs as in the splits before, found {len(lines)}")
        for line in lines:
            a, _, b = map(str.strip, line.text.partition(","))
            if a not in first or b not in second:
                raise line.error(f"'i,j' with i listed in {first_list.name} and j in {second_list.name}")
            pairs.append(Pair(first[a], second[b], path.name == "same.txt", number // 2))
    return pairs


def _read_images(path):
    """{index, as text: path from the data set's folder} of a ``Pair_list`` file."""
    images = {}
    for line in read_lines(path):
        fields = line.text.split()
        if len(fields) != 2 or not is_number(fields[0]) or fields[0] in images:
            raise line.error("'index path' with a new index")
        index, listed = fields
        images[index] = inside_root(listed[3:] if listed.startswith("../") else listed, line)
    return images
