import hashlib
import json

import pytest

from insightrec.recordio_tools.errors import ImageError, ListError
from insightrec.recordio_tools.pairs2bin import main, pack_pairs, read_pairs
from insightrec.recordio_tools.verification_pack import read_pack

PEOPLE = ("Ann", "Bob")


@pytest.fixture
def lfw(tmp_path, faces):
    """Aligned faces and a pairs.txt of ten folds, each of one same and one different pair, for LFW."""
    lines = ["10\t1"]
    for number in range(1, 11):
        lines += [f"Ann\t{number}\t{number + 1}", f"Ann\t{number}\tBob\t{number}"]
    root = tmp_path / "aligned"
    for i, person in enumerate(PEOPLE):
        (root / person).mkdir(parents=True)
        for number in range(1, 12):
            (root / person / f"{person}_{number:04d}.jpg").write_bytes(faces(100 * i + number))
    (root / "pairs.txt").write_text("\n".join(lines))
    return root


def expected_images(root, numbers):
    def image(person, number):
        return (root / person / f"{person}_{number:04d}.jpg").read_bytes()

    ann_bob = [(image("Ann", n), image("Ann", n + 1), image("Ann", n), image("Bob", n)) for n in numbers]
    return [encoded for pairs in ann_bob for encoded in pairs]


def test_image_files_pass_through(lfw, tmp_path, capsys):
    output = tmp_path / "lfw.bin"
    main(["--kind", "lfw", "--data-dir", str(lfw), "--output", str(output)])
    pack = read_pack(output)
    assert pack.images == expected_images(lfw, range(1, 11))
    assert pack.is_same.tolist() == [True, False] * 10
    sha256 = hashlib.sha256(output.read_bytes()).hexdigest()
    assert capsys.readouterr().out == (
        f"{output}: 20 pairs (10 same, 10 different) in 10 folds, 21 distinct images, "
        f"{output.stat().st_size} bytes, sha256 {sha256}\n"
    )


def pack_list(kind, pairs_path, root, output, **options):
    return pack_pairs(*read_pairs(kind, pairs_path), root, output, source=pairs_path, **options)


def test_description(lfw, tmp_path):
    facts, notes = pack_list("lfw", lfw / "pairs.txt", lfw, tmp_path / "lfw.bin")
    assert notes == []
    del facts["written_by"], facts["bytes"]
    assert facts == {
        "kind": "lfw",
        "sources": [{"file": "pairs.txt", "sha256": hashlib.sha256((lfw / "pairs.txt").read_bytes()).hexdigest()}],
        "image_size": [112, 112],
        "folds": 10,
        "listed_pairs": 20,
        "missing_pairs": 0,
        "notes": [],
        "pairs": 20,
        "same": 10,
        "different": 10,
        "distinct_images": 21,
        "sha256": hashlib.sha256((tmp_path / "lfw.bin").read_bytes()).hexdigest(),
    }


def test_png_of_another_size(lfw, tmp_path, faces):
    for file in lfw.glob("*/*.jpg"):
        file.with_suffix(".png").write_bytes(faces(1, (112, 96), ".png"))
        file.unlink()
    main(["--kind", "lfw", "--root", str(lfw), "--output", str(tmp_path / "o.bin"), "--image-size", "112,96"])
    assert read_pack(tmp_path / "o.bin").images[0].startswith(b"\x89PNG")


def test_missing_images_stop_by_default(lfw, tmp_path, capsys):
    for number in range(2, 9):
        (lfw / "Bob" / f"Bob_{number:04d}.jpg").unlink()
    with pytest.raises(SystemExit) as status:
        main(["--kind", "lfw", "--root", str(lfw), "--output", str(tmp_path / "o.bin")])
    assert status.value.code == 2
    assert capsys.readouterr().err == (
        f"pairs2bin: error: {lfw / 'pairs.txt'}: 7 of 21 images are missing in {lfw} (Bob/Bob_0002.jpg, "
        "Bob/Bob_0003.jpg, Bob/Bob_0004.jpg, Bob/Bob_0005.jpg, Bob/Bob_0006.jpg, ...), so that 7 of 20 pairs are "
        "incomplete; align them, or give --on-missing skip\n"
    )
    assert not (tmp_path / "o.bin").exists()


def test_skipping_is_said_and_keeps_the_folds(lfw, tmp_path, capsys):
    pairs = (lfw / "pairs.txt").read_text().split("\n")[1:]
    doubled = [line for i in range(0, 20, 2) for line in [pairs[i]] * 2 + [pairs[i + 1]] * 2]
    (lfw / "pairs.txt").write_text("\n".join(["10\t2", *doubled[:3], "Bob\t3\tAnn\t11", *doubled[4:]]))
    (lfw / "Bob" / "Bob_0003.jpg").rename(lfw / "gone.jpg")  # in a pair of fold 1 and both different ones of fold 3
    output = str(tmp_path / "o.bin")
    arguments = ["--kind", "lfw", "--root", str(lfw), "--output", output, "--on-missing", "skip"]
    with pytest.raises(SystemExit):
        main(arguments)
    assert "expected same and different pairs for each of 10 folds" in capsys.readouterr().err
    (lfw / "gone.jpg").rename(lfw / "Bob" / "Bob_0003.jpg")
    (lfw / "Ann" / "Ann_0011.jpg").unlink()  # in a pair of fold 1 and both same ones of fold 10
    (lfw / "pairs.txt").write_text((lfw / "pairs.txt").read_text().replace("Ann\t10\t11", "Ann\t10\t9", 1))
    main(arguments)
    out = capsys.readouterr().out.splitlines()
    assert out[0].endswith("2 of 40 pairs miss an image and are dropped (fold 1: 0 same, 1 different; "
                           "fold 10: 1 same, 0 different)")  # fmt: skip
    assert out[1].endswith("18 more are dropped, so that the 10 folds stay equal")
    assert "20 pairs (10 same, 10 different)" in out[2]
    assert read_pack(output).is_same.tolist() == [True, False] * 10
    facts = json.loads((tmp_path / "o.bin.json").read_text())
    assert (facts["listed_pairs"], facts["missing_pairs"], len(facts["notes"])) == (40, 2, 2)


def test_damaged_and_misfitting_images_are_refused(lfw, tmp_path, faces):
    image = lfw / "Bob" / "Bob_0005.jpg"
    for data, reason in (
        (faces(1)[:-200], "cut short"),
        (b"", "found 0 bytes"),
        (b"no image", "expected an image"),
        (faces(1, (112, 96)), "expected 112x112 pixels .height x width., found 112x96; align the faces"),
    ):
        image.write_bytes(data)
        with pytest.raises(ImageError, match=f"Bob_0005.jpg: .*{reason}"):
            pack_list("lfw", lfw / "pairs.txt", lfw, tmp_path / "o.bin", skip_missing=True)
    assert not (tmp_path / "o.bin").exists()


def test_cfp_and_its_sources(tmp_path, faces):
    root = tmp_path / "cfp"
    for view, letter in (("frontal", "F"), ("profile", "P")):
        for person in (1, 2):
            file = root / "Data" / "Images" / f"{person:03d}" / view / "01.jpg"
            file.parent.mkdir(parents=True)
            file.write_bytes(faces(ord(letter) + person))
        lines = [f"{person} ../Data/Images/{person:03d}/{view}/01.jpg" for person in (1, 2)]
        (root / "Protocol").mkdir(exist_ok=True)
        (root / "Protocol" / f"Pair_list_{letter}.txt").write_text("\n".join(lines))
    for split in range(1, 11):
        folder = root / "Protocol" / "Split" / "FP" / f"{split:02d}"
        folder.mkdir(parents=True)
        (folder / "same.txt").write_text("1,1\n")
        (folder / "diff.txt").write_text("1,2\n")
    facts, _ = pack_list("cfp_fp", root / "Protocol", root, tmp_path / "cfp_fp.bin")
    assert (facts["pairs"], facts["same"], facts["distinct_images"]) == (20, 10, 3)
    assert [source["file"] for source in facts["sources"]][1:3] == [
        "Protocol/Pair_list_P.txt",
        "Protocol/Split/FP/01/same.txt",
    ]
    frontal, profile, again, other = read_pack(tmp_path / "cfp_fp.bin").images[:4]
    images = root / "Data" / "Images"
    assert frontal == again == (images / "001" / "frontal" / "01.jpg").read_bytes()
    assert profile == (images / "001" / "profile" / "01.jpg").read_bytes()
    assert other == (images / "002" / "profile" / "01.jpg").read_bytes()


def test_agedb_with_positives_first_is_dealt_out(tmp_path, faces, capsys):
    for person in PEOPLE:
        for age in (20, 50):
            (tmp_path / f"{person}_{age}.jpg").write_bytes(faces(age + len(person) + ord(person[0])))
    (tmp_path / "list.txt").write_text("Ann_20 Ann_50\n" * 12 + "Ann_20,Bob_50\n" * 10)
    output = tmp_path / "agedb_30.bin"
    main(["--kind", "agedb", "--pairs", str(tmp_path / "list.txt"), "--root", str(tmp_path), "--output", str(output)])
    assert read_pack(output).is_same.tolist() == [True, True, False] * 2 + [True, False] * 8
    assert "dealt out to 10 evenly" in capsys.readouterr().out


def test_refuses_to_overwrite(lfw, tmp_path, capsys):
    arguments = ["--kind", "lfw", "--root", str(lfw), "--output", str(tmp_path / "o.bin")]
    main(arguments)
    with pytest.raises(SystemExit):
        main(arguments)
    assert "exists already" in capsys.readouterr().err
    main([*arguments, "--overwrite"])


@pytest.mark.parametrize("size", ["112", "112,x", "0,112", "112,112,3", ""])
def test_bad_size(size, capsys):
    with pytest.raises(SystemExit):
        main(["--kind", "lfw", "--root", "r", "--output", "o", "--image-size", size])
    assert "expected height,width in pixels" in capsys.readouterr().err


def test_missing_list(tmp_path):
    with pytest.raises(ListError, match=r"pairs\.txt: expected a pair list, found no such file; check --pairs"):
        pack_list("lfw", tmp_path / "pairs.txt", tmp_path, tmp_path / "o.bin")


def test_pairs_drawn_from_folders(tmp_path, faces, capsys):
    for person in range(25):
        (tmp_path / "aligned" / f"p{person:02}").mkdir(parents=True)
        for place in "ab":
            (tmp_path / "aligned" / f"p{person:02}" / f"{place}.jpg").write_bytes(faces(person))
    given = ["--kind", "folders", "--root", str(tmp_path / "aligned"), "--pairs-per-fold", "2", "--people", "20"]
    people, output = tmp_path / "people.txt", tmp_path / "mine.bin"
    main([*given, "--people-list", str(people), "--output", str(output)])
    assert "40 pairs (20 same, 20 different) in 10 folds" in capsys.readouterr().out
    pack = read_pack(output)
    assert pack.is_same.tolist() == [True, True, False, False] * 10
    assert all(
        (first == second) == same for first, second, same in zip(pack.images[::2], pack.images[1::2], pack.is_same)
    )
    facts = json.loads((tmp_path / "mine.bin.json").read_text())
    assert (facts["kind"], facts["people"], facts["seed"]) == ("folders", 20, 0)
    names = people.read_text().splitlines()[1:]
    assert len(names) == 20
    packed = {image for name in names for image in [(tmp_path / "aligned" / name / "a.jpg").read_bytes()]}
    assert set(pack.images) == packed

    with pytest.raises(SystemExit):
        main([*given, "--people-list", str(people), "--output", str(tmp_path / "other.bin")])
    assert "people.txt: exists already" in capsys.readouterr().err
    assert not (tmp_path / "other.bin").exists()
    with pytest.raises(SystemExit):
        main([*given, "--people-list", str(output / "people.txt"), "--output", str(tmp_path / "other.bin")])
    assert not (tmp_path / "other.bin").exists()  # a list that cannot be written leaves no pack


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--kind", "folders", "--pairs", "p.txt"], "draws its pairs"),
        (["--kind", "lfw", "--people", "3"], "--people is for --kind folders"),
        (["--kind", "cfp_fp", "--seed", "0"], "--seed is for --kind folders"),
        (["--kind", "folders", "--people-list", "o"], "expected another file than o and o.json"),
        (["--kind", "folders", "--people-list", "./o.json"], "expected another file than o and o.json"),
    ],
)
def test_flags_of_the_other_kind(flags, message, capsys):
    with pytest.raises(SystemExit):
        main([*flags, "--root", "r", "--output", "o"])
    assert message in capsys.readouterr().err
