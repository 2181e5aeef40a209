"""The folder of drawn faces."""

import numpy as np
import pytest

from insightrec.recordio_tools import draw_faces
from insightrec.recordio_tools.draw_faces import main, write_faces
from insightrec.recordio_tools.errors import OutputError
from insightrec.recordio_tools.image_codec import decode_rgb
from insightrec.recordio_tools.lfw_pairs import read_lfw_pairs


def pixels(path):
    return decode_rgb(path.read_bytes(), str(path))


def names_in(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.*"))


def test_tool_writes_lfw_layout_pairs_and_contact_sheet(tmp_path, capsys):
    output, pairs, sheet = tmp_path / "faces", tmp_path / "pairs.txt", tmp_path / "sheet.png"
    main(
        f"--output {output} --identities 4 --images 3 --first-identity 98 --size 112,96 --pairs {pairs} --folds 2 "
        f"--pairs-per-fold 5 --contact-sheet {sheet}".split()
    )
    people = ("person_0098", "person_0099", "person_0100", "person_0101")
    assert names_in(output) == [f"{name}/{name}_{number:04d}.jpg" for name in people for number in (1, 2, 3)]
    assert pixels(output / "person_0099" / "person_0099_0002.jpg").shape == (112, 96, 3)
    assert pixels(sheet).shape == (4 * 112, 3 * 96, 3)
    listed = read_lfw_pairs(pairs)
    assert [pair.is_same for pair in listed] == 2 * (5 * [True] + 5 * [False])
    for pair in listed:
        assert (output / pair.path_a).is_file()
        assert (output / pair.path_b).is_file()
        assert (pair.path_a.split("/")[0] == pair.path_b.split("/")[0]) == pair.is_same
    assert "4 identities, 12 images" in capsys.readouterr().out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["faces", "pairs.txt", "sheet.png"]


def test_person_is_the_same_whoever_else_is_drawn(tmp_path):
    write_faces(tmp_path / "one", [5], 2, seed=3)
    write_faces(tmp_path / "many", range(4, 7), 3, seed=3)
    for number in (1, 2):
        name = f"person_0005/person_0005_{number:04d}.jpg"
        np.testing.assert_array_equal(pixels(tmp_path / "one" / name), pixels(tmp_path / "many" / name))


def test_existing_folder_is_refused_then_replaced_on_request(tmp_path, capsys):
    output = tmp_path / "faces"
    write_faces(output, range(3), 2)
    with pytest.raises(SystemExit) as exit_:
        main(["--output", str(output), "--identities", "1"])
    assert exit_.value.code == 2
    assert "exists already" in capsys.readouterr().err
    assert len(names_in(output)) == 6
    main(["--output", str(output), "--identities", "1", "--images", "1", "--overwrite"])
    assert names_in(output) == ["person_0000/person_0000_0001.jpg"]
    assert [path.name for path in tmp_path.iterdir()] == ["faces"]


def test_pairs_may_lie_in_the_folder_itself(tmp_path):
    output = tmp_path / "faces"
    command = (
        f"--output {output} --identities 4 --images 2 --pairs {output}/pairs.txt --folds 2 --pairs-per-fold 1".split()
    )
    main(command)
    with pytest.raises(SystemExit):
        main(command)
    (output / "pairs.txt").write_text("old")
    main([*command, "--overwrite"])
    assert len(read_lfw_pairs(output / "pairs.txt")) == 4


@pytest.mark.parametrize("foreign", ["notes.txt", "person_0000/thesis.tex", "person_0000/sub/person_0000_0001.jpg"])
def test_overwrite_never_removes_what_was_not_drawn(tmp_path, foreign):
    output = tmp_path / "faces"
    (output / foreign).parent.mkdir(parents=True)
    (output / foreign).write_text("mine")
    with pytest.raises(OutputError, match="not a drawn face"):
        write_faces(output, [0], 1, overwrite=True)
    assert (output / foreign).read_text() == "mine"


def test_overwrite_refuses_a_file_and_a_link(tmp_path):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "folder")
    for name in ("file", "link"):
        with pytest.raises(OutputError, match="expected a folder"):
            write_faces(tmp_path / name, [0], 1, overwrite=True)


def test_interrupted_run_leaves_the_old_folder_or_none(tmp_path, monkeypatch):
    write_faces(tmp_path / "old", [0], 1)
    draw = draw_faces.draw_person

    def interrupted(seed, person, *rest):
        if person == 2:
            raise KeyboardInterrupt
        return draw(seed, person, *rest)

    monkeypatch.setattr(draw_faces, "draw_person", interrupted)
    for name in ("old", "new"):
        with pytest.raises(KeyboardInterrupt):
            write_faces(tmp_path / name, range(1, 4), 1, overwrite=True)
    assert names_in(tmp_path) == ["old/person_0000/person_0000_0001.jpg"]


def test_leftovers_of_a_killed_run_are_not_mixed_in(tmp_path):
    leftover = tmp_path / ".faces.partial" / "person_0009" / "person_0009_0001.jpg"
    leftover.parent.mkdir(parents=True)
    leftover.write_bytes(b"half a pic")
    write_faces(tmp_path / "faces", [0], 1)
    assert names_in(tmp_path) == ["faces/person_0000/person_0000_0001.jpg"]


@pytest.mark.parametrize(
    "arguments",
    [
        "",
        "--output {out} --identities 0",
        "--output {out} --images -1",
        "--output {out} --seed -1",
        "--output {out} --seed x",
        "--output {out} --first-identity -1",
        "--output {out} --size square",
        "--output {out} --size 112,112,3",
        "--output {out} --size 8,112",
        "--output {out} --size 112,100000",
        "--output {out} --quality 0",
        "--output {out} --quality 101",
        "--output {out} --pairs {out}.txt --folds 0",
        "--output {out} --contact-sheet {out}/sheet.png",
        "--output {out} --contact-sheet {out}/../faces/a/sheet.png",
        "--output {out} --identities 1 --pairs {out}.txt",
        "--output {out} --images 1 --pairs {out}.txt",
        "--output {out} --pairs {out}.txt --pairs-per-fold 100000",
    ],
)
def test_bad_arguments_exit_with_status_2_and_draw_nothing(tmp_path, capsys, arguments):
    with pytest.raises(SystemExit) as exit_:
        main(arguments.format(out=tmp_path / "faces").split())
    assert exit_.value.code == 2
    assert "error:" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("state", ["partial", "replaced"])
def test_foreign_files_under_the_names_of_leftovers_are_kept(tmp_path, state):
    mine = tmp_path / f".faces.{state}" / "thesis.tex"
    mine.parent.mkdir()
    mine.write_text("mine")
    with pytest.raises(OutputError, match="holds thesis.tex, which is not a drawn face"):
        write_faces(tmp_path / "faces", [0], 1)
    assert mine.read_text() == "mine"
