"""From options to the parts of a training run: the set, the network, the loss, the batches, the devices."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

import numpy as np

from insightrec.deploy.embedder import IMAGE_SIZE
from insightrec.deploy.mxnet_import import import_mxnet
from insightrec.eval.verification_targets import find_targets
from insightrec.recordio_tools.errors import InputError, RecordError
from insightrec.recordio_tools.face_record_set import FaceRecordSet
from insightrec.train.augmentation import Augmentation
from insightrec.train.devices import check_dtype, find_devices
from insightrec.train.face_loader import FaceLoader
from insightrec.train.identity_bags import IdentityBags
from insightrec.train.identity_order import IdentityOrder
from insightrec.train.image_order import ImageOrder, images_of_large_identities
from insightrec.train.loss_scale import LossScale
from insightrec.train.losses.class_head import ClassHead
from insightrec.train.losses.class_parallel_head import ClassParallelHead
from insightrec.train.losses.loss_table import LossEntry, find_loss, make_loss
from insightrec.train.margin_warmup import MarginWarmup
from insightrec.train.network_embedder import NetworkEmbedder
from insightrec.train.networks.network_by_name import NetworkOptions, build_network
from insightrec.train.objectives import ClassObjective, IdentityObjective, TripletObjective
from insightrec.train.pack_accuracy import PackAccuracy
from insightrec.train.parameter_update import DISTRIBUTED, ParameterUpdate, create_kvstore
from insightrec.train.pretrained import read_pretrained, take_parameters
from insightrec.train.shard_update import ShardUpdate
from insightrec.train.stream_batches import StreamBatches
from insightrec.train.train_options import TARGETS
from insightrec.train.training_step import TrainingStep
from insightrec.train.triplet_batches import TripletBatches

mx = import_mxnet()

IMAGES_PER_IDENTITY = {"npair": 2, "contrastive": 2, "coco": 16, "marginal": 16}  # of a batch, upstream's
BAG_IMAGES_PER_IDENTITY = 5  # of a bag that triplets are mined from
CLASSIFIER = ("fc7_weight", "fc7_bias", "centers")  # starts anew for another set of identities


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
    packs = PackAccuracy(training_targets(args), args.nfolds)
    devices = find_devices(args.gpus, args.cpus, os.environ)
    check_dtype(args.dtype, devices)
    kvstore = create_kvstore(args.kvstore, len(devices))
    worker, num_workers = (kvstore.rank, kvstore.num_workers) if args.kvstore in DISTRIBUTED else (0, 1)
    batch_size = args.per_batch_size - args.per_batch_size % 3 if entry.kind == "triplets" else args.per_batch_size
    global_batch = batch_size * len(devices) * num_workers
    report(f"{faces.path}: {len(faces)} images of {num_classes} classes, trained at {image_size[0]}x{image_size[1]}")

    mx.random.seed(args.seed)
    network = build_network(args.network, network_options(args))
    try:
        embedding_size = network.set_up(image_size, devices)
    except ValueError as error:
        raise InputError(f"--network {args.network}: {error}; change --image-size") from None
    objective = make_objective(entry, args, embedding_size, devices, network.initializer)
    if args.pretrained:
        arrays, source = read_pretrained(args.pretrained)
        report(f"{source}: {take_pretrained(network, objective.head, arrays, source)}")
    if args.dtype != "float32":
        network.cast(args.dtype)
    if devices[0].device_type == "gpu":  # on the CPU it gains nothing and takes twice the memory
        network.hybridize(static_alloc=True)
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
    )
    training.batches = make_batches(entry, args, training)
    return training


def open_faces(folder):
    """``(faces, num_classes)`` of the set in ``folder``, ``property``'s number of classes, or one above the labels.

    Raises:
        RecordError: no set, damaged, or more identities than ``property`` says.
    """
    faces = FaceRecordSet(Path(folder or "."))
    if faces.num_classes is None:
        return faces, int(faces.labels().max()) + 1
    if faces.is_indexed and faces.num_identities > faces.num_classes:
        raise RecordError(
            f"{faces.path.with_name('property')}: expected {faces.num_identities} classes or more, as many as the set "
            f"has identities, found {faces.num_classes}; it belongs to another set, or write it anew"
        )
    return faces, faces.num_classes


def training_targets(args):
    """Dict name -> path of the packs to verify on; empty where none was asked for by name and none is there."""
    folder = Path(args.data_dir or ".")
    if args.target == TARGETS and not any((folder / f"{name}.bin").is_file() for name in TARGETS.split(",")):
        return {}
    return find_targets(folder, args.target)


def network_options(args):
    """The network's variant as `NetworkOptions`."""
    return NetworkOptions(
        embedding_size=args.emb_size,
        version_input=args.version_input,
        version_output=args.version_output,
        version_unit=args.version_unit,
        version_se=args.version_se,
        version_act=args.version_act,
        version_multiplier=args.version_multiplier,
        bn_momentum=args.bn_mom,
    )


def make_objective(entry, args, embedding_size, devices, initializer):
    """The loss as an objective, with the head that it needs, initialized on the devices."""
    loss = make_loss(entry, args)
    if entry.kind == "classes":
        head = make_head(loss, args, embedding_size, devices, initializer)
        return ClassObjective(head, MarginWarmup(args.softmax_steps, args.margin_warmup_steps))
    if args.class_parallel:
        raise InputError(f"--class-parallel: {entry.name} has no classes to spread; use a loss with a classifier")
    if entry.kind == "identities":
        return IdentityObjective(loss)
    if not args.triplet_ce_weight:
        return TripletObjective(loss)
    head = make_head(make_loss(find_loss("softmax"), args), args, embedding_size, devices, initializer)
    return TripletObjective(loss, head, args.triplet_ce_weight)


def make_head(loss, args, embedding_size, devices, initializer):
    """The classifier, data parallel or class parallel."""
    if args.class_parallel:
        if args.kvstore in DISTRIBUTED:
            raise InputError(
                "--class-parallel: spreads the classes over the devices of one machine; use --kvstore device"
            )
        head = ClassParallelHead(loss, args.num_classes, embedding_size, devices, args.sample_rate, args.seed)
        head.lr_mult["fc7_weight"], head.wd_mult["fc7_weight"] = args.fc7_lr_mult, args.fc7_wd_mult
        return head
    if args.sample_rate != 1:
        raise InputError("--sample-rate: samples the classes of --class-parallel; give that too")
    head = ClassHead(loss, args.num_classes, embedding_size)
    head.initialize(initializer, ctx=devices)
    head.weight.lr_mult, head.weight.wd_mult = args.fc7_lr_mult, args.fc7_wd_mult
    return head


def make_updates(args, network, head, kvstore):
    """What updates the network and the head: one `ParameterUpdate`, and a `ShardUpdate` of spread classes."""
    options = {"momentum": args.mom, "wd": args.wd, "compat_wd": args.compat_wd}
    parameters = dict(network.collect_params())
    if isinstance(head, ClassParallelHead):
        return [ParameterUpdate(parameters, kvstore=kvstore, **options), ShardUpdate(head, **options)]
    if head:
        parameters.update(head.collect_params())
    return [ParameterUpdate(parameters, kvstore=kvstore, **options)]


def take_pretrained(network, head, arrays, source):
    """Start the network, and a classifier of as many classes, from the arrays of an earlier model.

    Returns:
        `Taken`.
    """
    parameters = dict(network.collect_params())
    if isinstance(head, ClassHead):
        parameters.update(head.collect_params())
    taken = take_parameters(parameters, arrays, source, replaceable=CLASSIFIER)
    if isinstance(head, ClassParallelHead):
        shapes = {name: own.shape for name, own in head.arrays().items()}
        fits = all(np.shape(arrays.get(name)) == shape for name, shape in shapes.items())
        if fits:
            head.load({name: arrays[name] for name in shapes}, {})
        (taken.taken if fits else taken.fresh).extend(shapes)
    return taken


def make_batches(entry, args, training):
    """The batches of the loss's kind, for a `Training` that lacks nothing else."""
    faces, worker = training.faces, {"worker": training.worker, "num_workers": training.num_workers}
    batch_size = training.global_batch // training.num_workers
    augmentation = Augmentation(bool(args.rand_mirror), args.color, args.cutoff)
    threads = args.threads or os.cpu_count() or 1
    feeding = {"seed": args.seed, "on_error": args.on_error}
    if entry.kind == "classes":
        images = images_of_large_identities(faces, args.images_filter) if args.images_filter else len(faces)
        order = ImageOrder(images, batch_size, args.seed, **worker)
        return StreamBatches(
            faces, order, augmentation=augmentation, image_size=training.image_size, threads=threads, **feeding
        )
    ranges = faces.identity_ranges
    ranges = ranges[ranges[:, 1] - ranges[:, 0] >= args.images_filter]
    per_identity = args.images_per_identity or IMAGES_PER_IDENTITY.get(entry.name, BAG_IMAGES_PER_IDENTITY)
    if entry.kind == "identities":
        order = IdentityOrder(ranges, batch_size, per_identity, args.seed, **worker)
        return StreamBatches(
            faces, order, augmentation=augmentation, image_size=training.image_size, threads=threads, **feeding
        )
    return TripletBatches(
        FaceLoader(faces, training.image_size, augmentation, threads),
        IdentityBags(ranges, args.triplet_bag_size, per_identity, args.seed),
        training.embedder,
        batch_size // len(training.devices),
        len(training.devices),
        {"alpha": args.triplet_alpha, "rule": args.triplet_rule, "max_ap": args.triplet_max_ap},
        **feeding,
        **worker,
    )
