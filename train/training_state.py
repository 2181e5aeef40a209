"""A run's state as a checkpoint, and back: what makes a resumed run the same as one that was never stopped.

Whatever is random is a pure function of the seed and the step, so no generator's state is kept.
"""

from insightrec.recordio_tools.errors import ModelError
from insightrec.train.checkpoint import Checkpoint
from insightrec.train.trained_model import moving_statistics, set_moving_statistics, trained_params, trained_symbol
from insightrec.train.training_model import take_pretrained

BATCHES, STATISTICS, OPTIMIZER, LOSS = "batches:", "statistics:", "optimizer:", "loss:"  # groups of a state's arrays
# Options that must stay as they were; the others may change, as a learning rate does.
FIXED = (
    "network",
    "emb_size",
    "version_input",
    "version_output",
    "version_unit",
    "version_se",
    "version_act",
    "version_multiplier",
    "images_filter",
    "images_per_identity",
    "triplet_bag_size",
    "seed",
    "dtype",
)


def take_checkpoint(args, training, progress):
    """The `Checkpoint` of a `Training` as it is; ``progress``: what the loop keeps, a dict of JSON types."""
    network, head = training.network, training.objective.head
    batches, batch_arrays = training.batches.state()
    state = {
        "fixed": _fixed(args, training),
        "progress": progress,
        "batches": batches,
        "loss_scale": training.loss_scale.state() if training.loss_scale else None,
    }
    groups = {
        BATCHES: batch_arrays,
        STATISTICS: moving_statistics(network),
        OPTIMIZER: {name: array for update in training.updates for name, array in update.states().items()},
        LOSS: head.loss_arrays() if head else {},
    }
    return Checkpoint(
        trained_params(network, head),
        trained_symbol(network, head).tojson(),
        state,
        {group + name: array for group, arrays in groups.items() for name, array in arrays.items()},
    )


def restore_checkpoint(args, training, checkpoint, source):
    """Put a `Training`, on whatever number of devices, into the state of a `Checkpoint`; return its ``progress``.

    Raises:
        ModelError: it was trained with other options or on another set, or lacks parameters.
    """
    state = checkpoint.state
    for what, value in _fixed(args, training).items():
        if state["fixed"].get(what) != value:
            raise ModelError(
                f"{source}: was trained with {what} {state['fixed'].get(what)}, found {value}; --resume goes on with "
                "the same, a new training starts with --pretrained"
            )
    arrays = {
        group: {name[len(group) :]: array for name, array in checkpoint.arrays.items() if name.startswith(group)}
        for group in (BATCHES, STATISTICS, OPTIMIZER, LOSS)
    }
    model = {name.split(":", 1)[1]: array for name, array in checkpoint.params.items()}
    taken = take_pretrained(training.network, training.objective.head, {**model, **arrays[LOSS]}, source)
    if taken.fresh or taken.unused:
        raise ModelError(
            f"{source}: expected the parameters that are trained here, found {taken}; --resume goes on with the same "
            "options, a new training starts with --pretrained"
        )
    set_moving_statistics(training.network, arrays[STATISTICS])
    for update in training.updates:
        update.load_states(arrays[OPTIMIZER])
    training.batches.restore(state["batches"], arrays[BATCHES])
    if training.loss_scale:
        training.loss_scale.load_state(state["loss_scale"])
    return state["progress"]


def _fixed(args, training):
    """What a checkpoint must have been trained with to be gone on from, of JSON types."""
    return {
        **{f"--{name.replace('_', '-')}": getattr(args, name) for name in FIXED},
        "--loss-type": training.entry.name,
        "--image-size": list(training.image_size),
        "images": len(training.faces),
        "bytes": training.faces.path.stat().st_size,
        "classes": training.num_classes,
    }
