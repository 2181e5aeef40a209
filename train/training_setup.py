"""From options to a run that is ready to start."""

import os
from dataclasses import dataclass
from typing import Any, Optional

from insightrec.deploy.embedder import IMAGE_SIZE
from insightrec.deploy.mxnet_import import import_mxnet
from insightrec.recordio_tools.errors import InputError
from insightrec.recordio_tools.face_record_set import FaceRecordSet
from insightrec.train.devices import check_dtype, find_devices
from insightrec.train.loss_scale import LossScale
from insightrec.train.losses.loss_table import LossEntry, find_loss
from insightrec.train.network_embedder import NetworkEmbedder
from insightrec.train.pack_accuracy import PackAccuracy
from insightrec.train.parameter_update import DISTRIBUTED, create_kvstore
from insightrec.train.pretrained import read_pretrained
from insightrec.train.training_data import make_batches, open_faces, training_targets
from insightrec.train.training_model import make_network, make_objective, make_updates, take_pretrained
from insightrec.train.training_step import TrainingStep
from insightrec.train.worker_agreement import WorkerAgreement

mx = import_mxnet()


@dataclass
class Training:
    """The parts of a run, ready to start.

    worker, num_workers: this process's place among those of a distributed run. global_batch: images a step, of all.
    """

    entry: LossEntry
    faces: FaceRecordSet
    num_classes: int
    image_size: tuple
    packs: PackAccuracy
    devices: list
    worker: int
    num_workers: int
    global_batch: int
    network: Any
    objective: Any
    updates: list
    loss_scale: Optional[LossScale]
    embedder: NetworkEmbedder
    step: TrainingStep
    agreement: WorkerAgreement
    batches: Any = None


def set_up(args, report):
    """Make all parts of the run that ``args`` describe.

    Args:
        args: of `train_options.parse`.
        report: called with one line of text for what a user wants to know of each part.

    Returns:
        `Training`.

    Raises:
        InputError: something asked for does not exist, does not fit, or is out of its domain.
    """
    entry = find_loss(args.loss_type)
    faces, num_classes = open_faces(args.data_dir)
    args.num_classes = num_classes
    image_size = args.image_size or faces.image_size or IMAGE_SIZE
    packs = PackAccuracy(training_targets(args), image_size, args.nfolds)
    devices = find_devices(args.gpus, args.cpus, os.environ)
    check_dtype(args.dtype, devices)
    kvstore = create_kvstore(args.kvstore, len(devices))
    is_distributed = args.kvstore in DISTRIBUTED
    worker, num_workers = (kvstore.rank, kvstore.num_workers) if is_distributed else (0, 1)
    global_batch = _batch_size(entry, args) * len(devices) * num_workers
    report(f"{faces.path}: {len(faces)} images of {num_classes} classes, trained at {image_size[0]}x{image_size[1]}")

    mx.random.seed(args.seed)
    network, embedding_size = make_network(args, image_size, devices)
    objective = make_objective(entry, args, embedding_size, devices, network.initializer)
    if args.pretrained:
        arrays, source = read_pretrained(args.pretrained)
        report(f"{source}: {take_pretrained(network, objective.head, arrays, source)}")
    if args.dtype != "float32":
        network.cast(args.dtype)
    updates = make_updates(args, network, objective.head, kvstore)
    loss_scale = LossScale() if args.dtype == "float16" else None
    trained = sum(array.size for update in updates for array in update.gradients)
    report(f"network {args.network}: embeddings of {embedding_size}; {trained / 1e6:.2f} million parameters to train")
    report(f"loss {entry.name}: {entry.formula}")
    report(f"{global_batch} images a step on {', '.join(map(str, devices))}" + f", worker {worker}" * (num_workers > 1))
    training = Training(
        entry=entry,
        faces=faces,
        num_classes=num_classes,
        image_size=image_size,
        packs=packs,
        devices=devices,
        worker=worker,
        num_workers=num_workers,
        global_batch=global_batch,
        network=network,
        objective=objective,
        updates=updates,
        loss_scale=loss_scale,
        embedder=NetworkEmbedder(network, devices, image_size, args.dtype),
        step=TrainingStep(
            network,
            objective,
            updates,
            devices,
            dtype=args.dtype,
            loss_scale=loss_scale,
            seed=args.seed,
            worker=worker,
            num_workers=num_workers,
        ),
        agreement=WorkerAgreement(kvstore if is_distributed else None),
    )
    training.batches = make_batches(entry, args, training)
    return training


def _batch_size(entry, args):
    """Images a device takes in a step: of triplets, whole ones."""
    if entry.kind != "triplets":
        return args.per_batch_size
    if args.per_batch_size < 3:
        raise InputError(f"--per-batch-size {args.per_batch_size}: expected 3 or more, the images of a triplet")
    return args.per_batch_size - args.per_batch_size % 3
