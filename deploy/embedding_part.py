"""The part of an MXNet model that computes its embedding, and the parameters that part needs."""

from insightrec.deploy.params_file import ARGUMENT, AUXILIARY


def embedding_part(graph, output=None):
    """The `SymbolGraph` that computes ``output`` (a name as `SymbolGraph.find_output` takes it; the embedding if None).

    Raises:
        ModelError: no such output, or it is a variable.
    """
    entry = graph.find_output(output) if output else graph.embedding_output()
    if graph.nodes[entry.node].is_variable:
        raise graph.nodes[entry.node].error("expected an operator as output, found a variable; name an output")
    return graph.subgraph([entry])


def needed_parameters(graph, params):
    """Full names (``arg:NAME``, ``aux:NAME``) of all that ``graph`` takes besides the image, in its order."""
    data = graph.data_name(params)
    arguments = [f"{ARGUMENT}{name}" for name in graph.argument_names if name != data]
    return arguments + [f"{AUXILIARY}{name}" for name in graph.auxiliary_names]
