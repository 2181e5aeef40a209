"""Who failed, by hand."""

import re

import numpy as np

from insightrec.megaface.failed_probes import MOST_SHOWN, FailedProbe, failed_page, failed_probes


def entry(mates, ranks, columns=(4, 2)):
    scores = [-0.5 - 0.25 * place for place in range(len(columns))]
    return {
        "distractors": {"idx": list(columns), "score": scores},
        "probes": {"idx": mates, "rank": ranks} if mates else None,
    }


# entry j holds rank(i, j): how probe i finds its mate j
MATCHES = [
    entry([1, 2], [0, 7]),
    entry([0, 2], [3, 1]),
    entry([0, 1], [0, 0], (0,)),
    entry([], []),
    entry([5], [0]),
    entry([4], [9], ()),
]


def test_ranks_belong_to_the_probe_that_searches():
    assert failed_probes(MATCHES) == [
        FailedProbe(probe=4, worst_rank=9, worst_mate=5, failed=1, mates=1),
        FailedProbe(probe=2, worst_rank=7, worst_mate=0, failed=2, mates=2),
        FailedProbe(probe=0, worst_rank=3, worst_mate=1, failed=1, mates=2),
    ]


def test_page():
    probes = [f"person/{number}.png" for number in range(6)]
    distractors = [f"album/{number}<.jpg" for number in range(5)]
    image = np.zeros((4, 4, 3), np.uint8)
    page = failed_page(MATCHES, probes, distractors, "Failed", lambda path: image, lambda path: None).decode()
    captions = re.findall("<figcaption>(.*?)</figcaption>", page, re.DOTALL)
    assert captions == [
        "probe person/4.png\n1 of 1 mates not first",
        "mate person/5.png\n9 distractors ahead",
        "-0.500 album/4&lt;.jpg",
        "-0.750 album/2&lt;.jpg",
        "probe person/2.png\n2 of 2 mates not first",
        "mate person/0.png\n7 distractors ahead",
        "-0.500 album/0&lt;.jpg",
        "probe person/0.png\n1 of 2 mates not first",
        "mate person/1.png\n3 distractors ahead",
        "-0.500 album/4&lt;.jpg",
        "-0.750 album/2&lt;.jpg",
    ]
    assert "3 of 6 probes have a mate that some distractor beats; the 3 worst are shown" in page
    assert "5 of 11 pictures were not found or cannot be read." in page


def test_a_page_is_bounded():
    matches = [entry([number ^ 1], [1 + number]) for number in range(2 * MOST_SHOWN)]
    probes = [str(number) for number in range(len(matches))]
    page = failed_page(matches, probes, list("abcde"), "F", lambda path: None, lambda path: None)
    number = 2 * MOST_SHOWN
    assert (
        f"{number} of {number} probes have a mate that some distractor beats; the {MOST_SHOWN} worst" in page.decode()
    )
    assert page.count(b"not first") == MOST_SHOWN
