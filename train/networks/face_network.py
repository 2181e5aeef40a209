"""What every embedding network is: RGB pixels in, an embedding out, a graph under InsightFace's names."""

import math

from insightrec.deploy.mxnet_import import import_mxnet

mx = import_mxnet()

PIXEL_MEAN, PIXEL_SCALE = 127.5, 0.0078125  # (x - 127.5) / 128 puts 0..255 into -1..1


class FaceNetwork(mx.gluon.HybridBlock):
    """Base of the networks: float32 RGB (N, 3, H, W), 0..255, to float32 embeddings (N, D), not normalised.

    Attributes:
        initializer: what fills the weights, upstream's choice for the family.
    """

    initializer = mx.init.Xavier(rnd_type="uniform", factor_type="in", magnitude=2)

    def __init__(self):
        super().__init__(prefix="")
        self._graph = None

    def symbol(self):
        """The graph from ``data`` to the embedding, an ``mx.sym.Symbol``."""
        if self._graph is None:  # once only: a second graph on the same parameters has other versions in its JSON
            with mx.name.NameManager():  # unnamed nodes are numbered from 0 in every graph
                self._graph = self(mx.sym.var("data"))
        return self._graph

    def set_up(self, image_size, devices):
        """Infer every shape for images of ``image_size`` (H, W) and initialize on ``devices`` (list of contexts).

        Returns:
            D, the size of the embedding; head Z gives it as a map (C, H, W).

        Raises:
            ValueError: the network cannot take images of that size.
        """
        symbol = self.symbol()
        try:
            arguments, outputs, auxiliary = symbol.infer_shape(data=(1, 3, *image_size))
        except mx.MXNetError as error:
            reason = str(error).rsplit(": ", 1)[-1].strip()  # before it are places in MXNet's source
            raise ValueError(f"the network does not take images of {image_size} ({reason})") from None
        shapes = dict(zip(symbol.list_arguments(), arguments))
        shapes.update(zip(symbol.list_auxiliary_states(), auxiliary))
        parameters = self.collect_params()
        for name, parameter in parameters.items():
            parameter.shape = shapes[name]
        parameters.initialize(self.initializer, ctx=devices)
        return math.prod(outputs[0][1:])
