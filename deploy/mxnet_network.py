"""A network in MXNet itself, from its original files: the yardstick for the converted one."""

from insightrec.deploy.mxnet_gpus import gpu_context
from insightrec.deploy.mxnet_import import import_mxnet, mxnet_reason
from insightrec.deploy.params_file import read_params
from insightrec.deploy.symbol_graph import read_symbol
from insightrec.recordio_tools.errors import ModelError


class MXNetNetwork:
    """Images to embeddings: float32 (B, C, H, W) in, float32 (B, D) out.

    Args:
        files: the model's `ModelFiles`.
        output: the name of the output, with or without ``_output``; the embedding if None.
        gpu: number of the CUDA device, -1 for the CPU.

    Raises:
        ModelError: the files are damaged, a parameter is missing, or there is no such output.
        InputError: MXNet is not installed, or has no such GPU.
    """

    def __init__(self, files, *, output=None, gpu=-1):
        graph, params = read_symbol(files.graph), read_params(files.params)
        mx = import_mxnet()
        self.source = str(files.params)
        self._mx = mx
        self._device = gpu_context(mx, gpu) if gpu >= 0 else mx.cpu()
        wanted = graph.find_output(output) if output else graph.embedding_output()
        data = graph.subgraph([wanted]).data_name(params)
        try:
            symbol = mx.sym.load(str(files.graph)).get_internals()[graph.name_of(wanted)]
            # A SymbolBlock, hybridized: an executor fails at its second forward with MXNet's default subgraphs.
            self._block = mx.gluon.SymbolBlock(symbol, mx.sym.var(data, dtype="float32"))
            self._block.load_parameters(self.source, ctx=self._device, ignore_extra=True, cast_dtype=True)
        except (mx.MXNetError, AssertionError, ValueError) as error:
            raise ModelError(f"{self.source}: MXNet cannot load it: {mxnet_reason(error)}") from None
        self._block.hybridize(static_alloc=True, static_shape=True)

    def __call__(self, batch):
        """Raises `ModelError` where the network does not take this shape."""
        try:
            embeddings = self._block(self._mx.nd.array(batch, ctx=self._device)).asnumpy()
        except self._mx.MXNetError as error:
            raise ModelError(
                f"{self.source}: fails on an input of shape {batch.shape}: {mxnet_reason(error)}"
            ) from None
        return embeddings.reshape(len(batch), -1)
