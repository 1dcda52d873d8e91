"""Bundle ES modules into one script, so that a page needs one request and not one for each module.

It understands what our modules use: imports of names by relative addresses, and exports of declarations. Anything else
raises `ValueError` when the service starts, and so does a cycle of imports.
"""

import re
from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from posixpath import dirname, join, normpath

IMPORT = re.compile(r'^import (\{[^}]*\}|\* as \w+) from "(\.[^"]+)";$', re.MULTILINE)
EXPORT = re.compile(r"^export ((?:async )?function\*?|class|const) (\w+)", re.MULTILINE)
NOT_UNDERSTOOD = re.compile(r"^(?:import|export|await)\b.*|\bimport(?:\(|\.meta).*", re.MULTILINE)


def bundle(modules: Mapping[str, str], entry: str) -> str:
    """Return a script that does what the module ``entry`` does, with all that it imports, each evaluated once.

    ``modules`` are source texts by path. Each becomes a function that returns its exports, in the order of imports.
    """
    found: dict[str, set[str]] = {}
    waiting = [entry]
    while waiting:
        if (path := waiting.pop()) not in found:
            found[path] = {_beside(path, address) for _, address in IMPORT.findall(_source(modules, path))}
            waiting += found[path]
    try:
        order = list(TopologicalSorter({path: sorted(needed) for path, needed in sorted(found.items())}).static_order())
    except CycleError as error:
        raise ValueError(f"modules import each other in a circle: {' → '.join(error.args[1])}") from None
    names = {path: f"m{number}" for number, path in enumerate(order)}
    return "\n".join(_function(path, modules[path], names) for path in order)


def _source(modules: Mapping[str, str], path: str) -> str:
    try:
        return modules[path]
    except KeyError:
        raise ValueError(f"a module imports {path}, which does not exist") from None


def _function(path: str, source: str, names: Mapping[str, str]) -> str:
    exported = [name for _, name in EXPORT.findall(source)]
    body = IMPORT.sub(lambda found: _taken(found, path, names), source)
    body = EXPORT.sub(r"\1 \2", body)
    if other := NOT_UNDERSTOOD.search(body):
        raise ValueError(f"{path}: a bundle can't have {other[0]!r}")
    return f"// {path}\nconst {names[path]} = (() => {{\n{body}\nreturn {{ {', '.join(exported)} }};\n}})();\n"


def _taken(found: re.Match[str], path: str, names: Mapping[str, str]) -> str:
    wanted, address = found.groups()
    name = wanted.removeprefix("* as ").replace(" as ", ": ")
    return f"const {name} = {names[_beside(path, address)]};"


def _beside(path: str, address: str) -> str:
    return normpath(join(dirname(path), address))
