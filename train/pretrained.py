"""Parameters of an earlier model, taken over by name."""

from dataclasses import dataclass

from insightrec.deploy.model_files import find_model
from insightrec.deploy.mxnet_import import import_mxnet
from insightrec.deploy.params_file import read_params
from insightrec.recordio_tools.errors import ModelError

mx = import_mxnet()

MOST_LISTED = 5


@dataclass(frozen=True)
class Taken:
    """What `take_parameters` did, as lists of names: found in both, only in the network, only in the file."""

    taken: list
    fresh: list
    unused: list

    def __str__(self):
        text = f"{len(self.taken)} of {len(self.taken) + len(self.fresh)} parameters taken"
        for names, meaning in ((self.fresh, "start anew"), (self.unused, "not used")):
            if names:
                listed = ", ".join(names[:MOST_LISTED]) + ", ..." * (len(names) > MOST_LISTED)
                text += f"; {len(names)} {meaning}: {listed}"
        return text


def read_pretrained(model):
    """The arrays of ``model`` (``prefix,epoch``) by bare name, and the name of their file.

    Raises:
        ModelError: no such model, an ONNX file, or damaged.
    """
    files = find_model(model)
    if files.params is None:
        raise ModelError(f"{model}: expected an MXNet model, prefix,epoch, found an ONNX file; it cannot be trained")
    params = read_params(files.params)
    return {**params.arg, **params.aux}, files.params


def take_parameters(parameters, arrays, source, replaceable=()):
    """Fill ``parameters`` with the ``arrays`` of the same names.

    Args:
        parameters: dict name -> initialized `mxnet.gluon.Parameter`.
        arrays: dict name -> array.
        source: file of the arrays, for errors.
        replaceable: names that start anew where the shapes differ (the classifier of another set of identities).

    Returns:
        `Taken`.

    Raises:
        ModelError: an array has another shape than its parameter, or no name fits at all.
    """
    taken, fresh = [], []
    for name, parameter in parameters.items():
        array = arrays.get(name)
        if array is None or (name in replaceable and array.shape != parameter.shape):
            fresh.append(name)
        elif array.shape != parameter.shape:
            raise ModelError(
                f"{source}: {name}: expected shape {tuple(parameter.shape)} of this network, found {array.shape}; give "
                "the --network, --emb-size and --version-... that the model was trained with"
            )
        else:
            taken.append(name)
    if not set(taken).difference(replaceable):
        raise ModelError(f"{source}: none of its {len(arrays)} names is a parameter of this network; change --network")
    for name in taken:  # only once every shape is known to fit
        parameters[name].set_data(mx.nd.array(arrays[name], dtype=parameters[name].dtype))
    return Taken(taken, fresh, [name for name in arrays if name not in parameters])
