import cv2
import pytest

from insightrec.train.digits_picture import main


def run(capsys, *argv):
    """``(status, standard output, standard error)``."""
    try:
        main(list(argv))
        status = 0
    except SystemExit as stopped:
        status = stopped.code
    return status, *capsys.readouterr()


@pytest.mark.mxnet
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_two_losses_become_a_table_and_a_picture(mx, tmp_path, capsys):
    output = tmp_path / "digits.png"
    argv = ["--output", str(output), "--losses", "0,arcface", "--epochs", "1"]
    status, table, _ = run(capsys, *argv)
    assert status == 0
    head, softmax, arcface, last = table.splitlines()
    assert head.split() == ["loss", "accuracy", "within", "between", "between", "/", "within"]
    for line, name in ((softmax, "softmax"), (arcface, "arcface")):
        found, accuracy, within, between, ratio = line.split()
        assert found == name
        assert 0.2 < float(accuracy) <= 1
        assert float(ratio) == pytest.approx(float(between) / float(within), rel=0.02, abs=0.01)
    assert last == f"{output}: 450 held-out digits under 2 losses"
    height, width, _ = cv2.imread(str(output)).shape
    assert width > 1.5 * height
    assert [path.name for path in tmp_path.iterdir()] == ["digits.png"]

    status, _, error = run(capsys, *argv)
    assert status == 2
    assert error.startswith("digits_picture: error: ")
    assert "exists already" in error
    first = output.read_bytes()
    assert run(capsys, *argv, "--overwrite")[:2] == (0, table)
    assert output.read_bytes() == first


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--losses", "triplet"], "triplet has no classifier"),
        (["--losses", "99"], "loss '99' is not known"),
        (["--mnist", "absent"], "train-images-idx3-ubyte: expected MNIST's file"),
        (["--epochs", "0"], "expected a whole number, 1 or more"),
    ],
)
def test_bad_input_is_one_line(argv, message, tmp_path, capsys):
    status, _, error = run(capsys, "--output", str(tmp_path / "digits.png"), *argv)
    assert status == 2
    assert message in error.splitlines()[-1]
    assert not list(tmp_path.iterdir())
