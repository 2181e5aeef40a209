import numpy as np

from insightrec.megaface.duplicate_report import (
    MOST_SHOWN,
    Duplicate,
    PictureSource,
    candidate_list,
    candidate_page,
    candidate_table,
)

FOUND = [
    Duplicate("111/a@N00/1_0.jpg", "Adam_Brody", "same-person", 0.71234567),
    Duplicate("111/a@N00/1_0.jpg", "Adam_Brody/Adam_Brody_1.png", "near-identical", 0.95),
    Duplicate("222/Jos\udce9/2_0.jpg", "Eve", "same-person", 0.5),
]


def test_the_list_has_each_name_once_with_its_best_cosine():
    assert candidate_list(FOUND, "look") == b"# look\n0.950000\t111/a@N00/1_0.jpg\n0.500000\t222/Jos\xe9/2_0.jpg\n"


def test_the_table_has_a_line_for_each():
    lines = candidate_table(FOUND).split(b"\n")
    assert lines[0] == b"name,counterpart,kind,cosine"
    assert lines[1] == b"111/a@N00/1_0.jpg,Adam_Brody,same-person,0.712346"
    assert len(lines) == 5


def test_the_page_shows_the_nearest_first_and_what_is_missing():
    pictures = PictureSource(lambda name: None, lambda name: np.zeros((8, 8, 3), np.uint8))
    page = candidate_page(FOUND, "Duplicates", "note", pictures).decode()
    assert page.index("0.712") < page.index("0.500")
    assert page.count("data:image") == 3
    many = [Duplicate(f"{place}.jpg", "Eve", "same-person", 0.5) for place in range(MOST_SHOWN + 50)]
    page = candidate_page(many, "Duplicates", "note", pictures).decode()
    assert page.count("data:image") == MOST_SHOWN
    assert f"{MOST_SHOWN + 50} found, {MOST_SHOWN} shown" in page
