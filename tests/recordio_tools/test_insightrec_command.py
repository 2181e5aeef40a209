import subprocess
import sys

from insightrec.recordio_tools.insightrec_command import find_tools, main


def test_lists_every_tool_with_a_line(capsys):
    assert main([]) == 0
    listing = capsys.readouterr().out
    for name, (module, line) in find_tools().items():
        assert module.endswith(f".{name}")
        assert f"  {name} " in listing
        assert line.endswith(".")
        assert line in listing
    assert {"face2rec", "rec2image", "rec_info", "pairs2bin", "verification"} <= set(find_tools())


def test_runs_a_tool_by_any_spelling(face_set, capsys):
    folder = face_set([0, 1])
    for name in ("rec_info", "rec-info", "rec_info.py"):
        main([name, str(folder)])
        assert "images               2" in capsys.readouterr().out


def test_an_unknown_tool_is_named(capsys):
    assert main(["face3rec"]) == 2
    error = capsys.readouterr().err
    assert "no tool 'face3rec'; there are: " in error
    assert ", face2rec, " in error


def test_listing_imports_no_tool():
    code = (
        "import sys; from insightrec.recordio_tools.insightrec_command import main; main([]);"
        "assert not {'numpy', 'cv2', 'mxnet', 'onnxruntime'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
