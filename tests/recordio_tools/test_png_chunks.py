import io

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from insightrec.recordio_tools.png_chunks import ANIMATION, END, HEAD, chunks, still

CHUNKS = st.lists(
    st.tuples(st.sampled_from([b"IHDR", b"IDAT", ANIMATION, b"tEXt"]), st.binary(max_size=40)), max_size=6
)


def encoded(parts):
    return [len(body).to_bytes(4, "big") + kind + body + b"\1\2\3\4" for kind, body in parts]


@given(parts=CHUNKS, trailer=st.binary(max_size=40))
def test_chunks_are_those_written_and_what_follows_is_not_looked_at(parts, trailer):
    parts = [*parts, (END, b"")]
    pieces = encoded(parts)
    png = HEAD + b"".join(pieces) + trailer
    found = list(chunks(png))
    assert [chunk.kind for chunk in found] == [kind for kind, _ in parts]
    assert [png[chunk.start : chunk.stop] for chunk in found] == pieces
    kept = [piece for piece, (kind, _) in zip(pieces, parts) if kind != ANIMATION]
    assert still(png) in (png, HEAD + b"".join(kept))
    assert ANIMATION not in [chunk.kind for chunk in chunks(still(png))]


@given(parts=CHUNKS, keep=st.floats(0, 1, exclude_max=True))
def test_a_cut_png_has_no_end(parts, keep):
    png = HEAD + b"".join(encoded([*parts, (END, b"")]))
    assert END not in [chunk.kind for chunk in chunks(png[: int(keep * len(png))])]


def test_an_animation_is_its_still_picture():
    first, second = (Image.fromarray(np.full((4, 4, 3), value, np.uint8)) for value in (1, 2))
    file = io.BytesIO()
    first.save(file, "PNG", save_all=True, append_images=[second])
    with Image.open(io.BytesIO(still(file.getvalue()))) as image:
        assert getattr(image, "n_frames", 1) == 1
        np.testing.assert_array_equal(np.asarray(image.convert("RGB")), np.asarray(first))
