"""From options to what a run is fed with: the record set, the packs it is verified on, its batches."""

from pathlib import Path

from insightrec.eval.verification_targets import find_targets
from insightrec.recordio_tools.errors import InputError, RecordError
from insightrec.recordio_tools.face_record_set import FaceRecordSet
from insightrec.recordio_tools.usable_cores import usable_cores
from insightrec.train.augmentation import Augmentation
from insightrec.train.face_loader import FaceLoader
from insightrec.train.identity_bags import IdentityBags
from insightrec.train.identity_order import IdentityOrder
from insightrec.train.image_order import ImageOrder
from insightrec.train.large_identities import images_of, large_identities
from insightrec.train.stream_batches import StreamBatches
from insightrec.train.train_options import TARGETS
from insightrec.train.triplet_batches import TripletBatches

IMAGES_PER_IDENTITY = {"npair": 2, "contrastive": 2, "coco": 16, "marginal": 16}  # of a batch, upstream's
BAG_IMAGES_PER_IDENTITY = 5  # of a bag that triplets are mined from


def open_faces(folder):
    """``(faces, num_classes)`` of the set in ``folder``, ``property``'s number of classes, or one above the labels.

    Raises:
        RecordError: no set, damaged, or more identities than ``property`` says.
    """
    faces = FaceRecordSet(Path(folder or "."))
    if faces.num_classes is None:
        labels = faces.labels()
        if labels.min() < 0:
            raise RecordError(
                f"{faces.describe(int(labels.argmin()))}: expected a label of 0 or more, found {labels.min()}; number "
                "the labels from 0"
            )
        return faces, int(labels.max()) + 1
    if faces.is_indexed and faces.num_identities > faces.num_classes:
        raise RecordError(
            f"{faces.path.with_name('property')}: expected {faces.num_identities} classes or more, as many as the set "
            f"has identities, found {faces.num_classes}; it belongs to another set, or write it anew"
        )
    return faces, faces.num_classes


def training_targets(args):
    """Dict name -> path of the packs to verify on; empty where none was asked for by name and none is there."""
    folder = Path(args.data_dir or ".")
    if not args.target.strip():
        return {}
    if args.target == TARGETS and not any((folder / f"{name}.bin").is_file() for name in TARGETS.split(",")):
        return {}
    return find_targets(folder, args.target)


def make_batches(entry, args, training):
    """The batches of the loss's kind, for a `Training` that lacks nothing else."""
    faces, worker = training.faces, {"worker": training.worker, "num_workers": training.num_workers}
    batch_size = training.global_batch // training.num_workers
    augmentation = Augmentation(bool(args.rand_mirror), args.color, args.cutoff)
    threads = args.threads or usable_cores()
    feeding = {"seed": args.seed, "on_error": args.on_error}

    def stream(order):
        return StreamBatches(
            faces, order, augmentation=augmentation, image_size=training.image_size, threads=threads, **feeding
        )

    if entry.kind == "classes":
        images = images_of(large_identities(faces, args.images_filter)) if args.images_filter else len(faces)
        return stream(ImageOrder(images, batch_size, args.seed, **worker))
    ranges = large_identities(faces, args.images_filter)
    per_identity = args.images_per_identity or IMAGES_PER_IDENTITY.get(entry.name, BAG_IMAGES_PER_IDENTITY)
    if per_identity < 2:
        raise InputError(f"--images-per-identity {per_identity}: expected 2 or more, {entry.name} learns from pairs")
    if entry.kind == "identities":
        _check_whole_identities(args.per_batch_size, per_identity)
        return stream(IdentityOrder(ranges, batch_size, per_identity, args.seed, **worker))
    return TripletBatches(
        FaceLoader(faces, training.image_size, augmentation, threads),
        IdentityBags(ranges, args.triplet_bag_size, per_identity, args.seed),
        training.embedder,
        batch_size // len(training.devices),
        len(training.devices),
        {"alpha": args.triplet_alpha, "rule": args.triplet_rule, "max_ap": args.triplet_max_ap},
        **feeding,
    )


def _check_whole_identities(batch_size, per_identity):
    """Every device's batch must hold whole identities, or pairs would be torn apart."""
    if batch_size % per_identity:
        raise InputError(
            f"--per-batch-size {batch_size}: expected a multiple of --images-per-identity {per_identity}, whole "
            f"identities on every device; give {max(batch_size // per_identity, 1) * per_identity}"
        )
