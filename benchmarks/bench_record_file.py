"""Random reads, sequential reads and writing of records, against MXNet's record module."""

import tempfile
from pathlib import Path

import numpy as np
from side_by_side import compare

from insightrec.deploy.mxnet_import import import_mxnet
from insightrec.recordio_tools.record_file import IndexedRecordFile
from insightrec.recordio_tools.record_label import pack_label, unpack_label
from insightrec.recordio_tools.record_writer import create_record_file

RECORDS = 20_000
IMAGE_BYTES = (2_000, 8_000)  # JPEG faces of 112x112 at quality 95


def main():
    """Compare on one file of random images that stays in the page cache."""
    mx = import_mxnet()
    rng = np.random.default_rng(0)
    images = [rng.bytes(int(size)) for size in rng.integers(*IMAGE_BYTES, RECORDS)]
    keys = rng.permutation(RECORDS).tolist()

    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        ours_path, theirs_path = folder / "ours.rec", folder / "mxnet.rec"

        def write_ours():
            with create_record_file(ours_path, overwrite=True) as writer:
                for key, image in enumerate(images):
                    writer.write(key, pack_label((key, 1.0), image, id=key))

        def write_mxnet():
            writer = mx.recordio.MXIndexedRecordIO(str(theirs_path.with_suffix(".idx")), str(theirs_path), "w")
            for key, image in enumerate(images):
                writer.write_idx(key, mx.recordio.pack(mx.recordio.IRHeader(2, (key, 1.0), key, 0), image))
            writer.close()

        compare("record_file", f"write {RECORDS} records", write_ours, write_mxnet, incumbent_name="mxnet")
        assert ours_path.read_bytes() == theirs_path.read_bytes()

        ours = IndexedRecordFile(ours_path)
        theirs = mx.recordio.MXIndexedRecordIO(str(theirs_path.with_suffix(".idx")), str(theirs_path), "r")

        def random_mxnet():
            for key in keys:
                mx.recordio.unpack(theirs.read_idx(key))

        def random_views():
            for key in keys:
                unpack_label(ours.read(key), "ours.rec")

        def random_bytes():
            for key in keys:
                bytes(unpack_label(ours.read(key), "ours.rec")[1])

        reads = {"incumbent_name": "mxnet", "runs": 9, "ours_calls": 5}
        compare("record_file", "random reads, views", random_views, random_mxnet, **reads)
        compare("record_file", "random reads, copied to bytes", random_bytes, random_mxnet, **reads)

        def sequential_mxnet():
            reader = mx.recordio.MXRecordIO(str(theirs_path), "r")
            while reader.read() is not None:
                pass

        def sequential_ours():
            for _ in ours.scan():
                pass

        compare("record_file", "sequential reads, views", sequential_ours, sequential_mxnet, **reads)


if __name__ == "__main__":
    main()
