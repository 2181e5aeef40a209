"""Embedding networks by upstream's letter and number (``r100``, ``y1``, ...); MXNet is imported only to build one."""

import importlib
from dataclasses import dataclass, replace
from typing import Optional

from insightrec.recordio_tools.errors import InputError


@dataclass(frozen=True)
class Family:
    """Networks of one build rule.

    Attributes:
        letter: the start of their names.
        numbers: the sizes there are.
        module: the module of `insightrec.train.networks` whose ``build(number, options)`` makes them.
        version_output: the head where none is asked for; None: one that only the family has.
        embedding_size: D where none is asked for.
    """

    letter: str
    numbers: tuple
    module: str
    version_output: Optional[str] = "E"
    embedding_size: int = 512


FAMILIES = (
    Family("r", (18, 34, 49, 50, 74, 90, 100, 101, 124, 152, 200, 269), "resnet"),
    Family("y", (1, 2), "mobilefacenet", version_output=None),
    Family("m", (1,), "mobilenet_v1"),
    Family("m", (2,), "mobilenet_v2"),
    Family("i", (2,), "inception_resnet_v2"),
    Family("d", (121, 161, 169, 201), "densenet"),
    Family("p", (68, 92, 107, 131), "dpn"),
    Family("s", (4, 10, 20, 36, 60, 64, 104), "spherenet"),
)
NETWORKS = {f"{family.letter}{number}": (family, number) for family in FAMILIES for number in family.numbers}
NETWORKS["facenet"] = (Family("facenet", (1,), "inception_resnet_v1", embedding_size=128), 1)

CHOICES = {
    "version_input": (0, 1, 2),
    "version_output": (*"ABCD", "AX", "BX", "CX", "DX", *"EFGHIJZ", "GAP", "GDC", "GNAP", None),
    "version_unit": (1, 2, 3),
    "version_se": (0, 1),
    "version_act": ("prelu", "relu", "sigmoid", "tanh", "softrelu", "softsign"),
}


@dataclass(frozen=True)
class NetworkOptions:
    """Variants, under the names of upstream's flags. A family uses those that it has.

    Attributes:
        embedding_size: D, None the family's own; heads A, AX and Z give as many numbers as the last layer does.
        version_input: 0 first layers for images of twice the size (r: a 7x7 convolution of stride 2), 1 for
            112x112 faces; r: 2 as 1, with batch normalised pixels in place of the fixed scaling.
        version_output: the head, see `embedding_head`; None the family's own: for y that of April 2018, else E.
        version_unit: r: 1 activation last, 2 activation first, 3 BN-conv-BN-act-conv-BN.
        version_se: r: 1 adds squeeze and excitation.
        version_act: r: the activation.
        version_multiplier: m1: of the number of channels.
        bn_momentum: share of the old value in the moving means and variances.

    Raises:
        InputError: a value is none of the choices or outside its domain.
    """

    embedding_size: Optional[int] = 512
    version_input: int = 1
    version_output: Optional[str] = "E"
    version_unit: int = 3
    version_se: int = 0
    version_act: str = "prelu"
    version_multiplier: float = 1.0
    bn_momentum: float = 0.9

    def __post_init__(self):
        for field, choices in CHOICES.items():
            if getattr(self, field) not in choices:
                listed = ", ".join(str(choice) for choice in choices if choice is not None)
                flag = f"--{field.replace('_', '-')}"
                raise InputError(f"{flag}: expected one of {listed}, found {getattr(self, field)}")
        if self.embedding_size is not None and self.embedding_size < 1:
            raise InputError(f"--emb-size: expected 1 or more, found {self.embedding_size}")
        if not 0 < self.version_multiplier < float("inf"):
            raise InputError(f"--version-multiplier: expected a number above 0, found {self.version_multiplier}")
        if not 0 <= self.bn_momentum < 1:
            raise InputError(f"--bn-mom: expected a number from 0 to below 1, found {self.bn_momentum}")


def build_network(name, options):
    """The `FaceNetwork` of that name, its parameters not yet initialized (`FaceNetwork.set_up`).

    Raises:
        InputError: there is no such network; the message lists those that exist.
        MXNetMissing: MXNet cannot be imported.
    """
    if name not in NETWORKS:
        raise InputError(f"--network: expected one of {', '.join(NETWORKS)}, found {name!r}")
    family, number = NETWORKS[name]
    if options.version_se and family.letter != "r":
        raise InputError(f"--version-se {options.version_se}: only r networks have it, found --network {name}")
    if options.version_output is None:
        options = replace(options, version_output=family.version_output)
    if options.embedding_size is None:
        options = replace(options, embedding_size=family.embedding_size)
    return importlib.import_module(f"insightrec.train.networks.{family.module}").build(number, options)
