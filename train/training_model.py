"""From options to what a run trains: the network, the loss with its head, and their updates."""

import numpy as np

from insightrec.recordio_tools.errors import InputError
from insightrec.train.losses.class_head import ClassHead
from insightrec.train.losses.class_parallel_head import ClassParallelHead
from insightrec.train.losses.loss_table import find_loss, make_loss
from insightrec.train.margin_warmup import MarginWarmup
from insightrec.train.networks.network_by_name import NetworkOptions, build_network
from insightrec.train.objectives import ClassObjective, IdentityObjective, TripletObjective
from insightrec.train.parameter_update import DISTRIBUTED, ParameterUpdate
from insightrec.train.pretrained import take_parameters
from insightrec.train.shard_update import ShardUpdate

MOST_NUMBERS = 2**31 - 1  # in an array of MXNet, which counts in 32 bits
CLASSIFIER = ("fc7_weight", "fc7_bias", "centers")  # starts anew for another set of identities


def make_network(args, image_size, devices):
    """``(network, D)``: an initialized `FaceNetwork` and the size of its embedding."""
    network = build_network(args.network, network_options(args))
    try:
        embedding_size = network.set_up(image_size, devices)
    except ValueError as error:
        raise InputError(f"--network {args.network}: {error}; change --image-size") from None
    if devices[0].device_type == "gpu":  # on the CPU it gains nothing and takes twice the memory
        network.hybridize(static_alloc=True)
    return network, embedding_size


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
    if args.kvstore in DISTRIBUTED:
        raise InputError(f"--kvstore {args.kvstore}: triplets are mined in one process; use --kvstore device")
    if not args.triplet_ce_weight:
        return TripletObjective(loss)
    head = make_head(make_loss(find_loss("softmax"), args), args, embedding_size, devices, initializer)
    return TripletObjective(loss, head, args.triplet_ce_weight)


def make_head(loss, args, embedding_size, devices, initializer):
    """The classifier, data parallel or class parallel."""
    shards = len(devices) if args.class_parallel else 1
    if args.num_classes * embedding_size > MOST_NUMBERS * shards:
        raise InputError(
            f"{args.num_classes} classes of {embedding_size} numbers: MXNet's arrays hold {MOST_NUMBERS} at most; give "
            "--class-parallel on more devices, or check the labels"
        )
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
    if head.states and args.kvstore in DISTRIBUTED:
        raise InputError(f"--kvstore {args.kvstore}: {', '.join(head.states)} of the loss would differ between workers")
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
        shapes = head.shapes
        fits = all(np.shape(arrays.get(name)) == shape for name, shape in shapes.items())
        if fits:
            head.load({name: arrays[name] for name in shapes}, {})
            taken.unused[:] = [name for name in taken.unused if name not in shapes]
        (taken.taken if fits else taken.fresh).extend(shapes)
    return taken
