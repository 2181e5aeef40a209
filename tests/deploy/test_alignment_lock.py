import os
import signal
import subprocess
import sys

import pytest

from insightrec.deploy.alignment_lock import only_run
from insightrec.deploy.alignment_output import AlignmentOutput
from insightrec.recordio_tools.errors import OutputError

pytest.importorskip("fcntl")

SCRIPT = """
import sys, time
from insightrec.deploy.alignment_lock import only_run
from insightrec.deploy.alignment_output import AlignmentOutput

with only_run(AlignmentOutput.beside(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def output(tmp_path):
    return AlignmentOutput.beside(tmp_path / "new" / "aligned")


def test_the_lock_is_held_for_the_block_and_leaves_nothing(output):
    for _ in range(2):
        with only_run(output):
            with pytest.raises(OutputError, match=r"aligned: another run is writing .*aligned; wait"), only_run(output):
                pass
            with only_run(AlignmentOutput.beside(output.crops.with_name("others"))):
                pass
        assert os.listdir(output.crops.parent) == []


def test_a_killed_run_holds_nothing(output):
    with subprocess.Popen([sys.executable, "-c", SCRIPT, output.crops], stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(OutputError, match="another run is writing"), only_run(output):
            pass
        process.send_signal(signal.SIGKILL)
    assert os.listdir(output.crops.parent) == [".aligned.journal.lock"]
    with only_run(output):
        pass
    assert os.listdir(output.crops.parent) == []


def test_a_lock_that_its_run_removed_meanwhile_is_none(output):
    with only_run(output):
        os.unlink(output.crops.parent / ".aligned.journal.lock")
        with only_run(output), pytest.raises(OutputError, match="another run"), only_run(output):
            pass


def test_a_folder_that_cannot_be_made(output):
    output.crops.parent.write_bytes(b"")
    with pytest.raises(OutputError, match=r"aligned: cannot be written \(.*; choose another output"), only_run(output):
        pass
