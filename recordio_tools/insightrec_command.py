"""The console command ``insightrec``: lists every tool, and runs one, importing only that.

A tool is a file of the installed folders that defines ``main``; its line in the list is the first
line of its docstring. Both are read from the source, so nothing is imported and no list is kept.
"""

import ast
import importlib
import sys
from pathlib import Path

from insightrec.recordio_tools.command_line import INPUT_STATUS, tool

ROOMS = ("recordio_tools", "deploy", "eval", "train", "megaface")


def find_tools(name="*"):
    """``{name: (module, one line)}`` of the tools of that name, or of all, in the order of `ROOMS`, then by name."""
    tools = {}
    for room in ROOMS:
        for path in sorted(_folder(room).glob(f"{name}.py")):
            tree = ast.parse(path.read_bytes())
            functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
            if "main" in functions and path.stem != Path(__file__).stem:
                docstring = ast.get_docstring(tree) or ""
                tools[path.stem] = (f"insightrec.{room}.{path.stem}", docstring.partition("\n")[0])
    return tools


@tool
def main(argv=None):
    """Run ``insightrec TOOL ...``; without a tool, list them."""
    argv = sys.argv[1:] if argv is None else argv
    if not argv or argv[0] in ("-h", "--help"):
        print("usage: insightrec TOOL [options]    (insightrec TOOL --help says what it takes)\n")
        tools = find_tools()
        width = max(map(len, tools))
        for name, (_, line) in tools.items():
            print(f"  {name:{width}}  {line}")
        return 0
    name = argv[0].replace("-", "_").removesuffix(".py")
    found = find_tools(name) if name.isidentifier() else {}
    if not found:
        print(f"insightrec: error: no tool {argv[0]!r}; there are: {', '.join(find_tools())}", file=sys.stderr)
        return INPUT_STATUS
    (module, _), *_ = found.values()
    return importlib.import_module(module).main(argv[1:])


def _folder(room):
    return Path(importlib.import_module(f"insightrec.{room}").__file__).parent


if __name__ == "__main__":
    sys.exit(main())
