"""A user of the store with its own profile and rights: the in-process engine, opened by one process per user.

That engine has one user, `default`, and reads its profile, rights and row policies from a `users.xml`. So each action
of a persona is a function in a test module, which runs in a child process on the same folder, one after the other.
It receives the options of a client and its own arguments, and must return JSON.
"""

import importlib
import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote
from xml.sax.saxutils import escape

from tests.support.rigs.forked import PYTHON, run

_CONFIG = """<clickhouse>
    <user_directories><users_xml><path>{users}</path></users_xml></user_directories>
    <access_control_improvements>
        <select_from_system_db_requires_grant>true</select_from_system_db_requires_grant>
        <select_from_information_schema_requires_grant>true</select_from_information_schema_requires_grant>
    </access_control_improvements>
    {more}
</clickhouse>
"""
_USERS = """<clickhouse>
    <profiles>
        <default/>
        <persona>{settings}<constraints>{constraints}</constraints></persona>
    </profiles>
    <quotas><default/></quotas>
    <users>
        <default>
            <password/>
            <networks><ip>::/0</ip></networks>
            <profile>persona</profile>
            <quota>default</quota>
            {grants}
            {filters}
        </default>
    </users>
</clickhouse>
"""


class Persona(NamedTuple):
    """A user: settings, bounds (`{"max": "30"}`, `{"const": ""}`), rights (all if empty), row filters."""

    settings: Mapping[str, str] = {}
    constraints: Mapping[str, Mapping[str, str]] = {}
    grants: Sequence[str] = ()
    filters: Mapping[str, str] = {}  # by database.table

    def users_xml(self) -> str:
        """Return the file that gives the engine's user these rights."""
        queries = "".join(_element("query", escape(grant)) for grant in self.grants)
        return _USERS.format(
            settings="".join(_element(name, escape(value)) for name, value in self.settings.items()),
            constraints="".join(_element(name, _inner(bounds)) for name, bounds in self.constraints.items()),
            grants=_element("grants", queries) if queries else "",
            filters=_element("databases", "".join(_filter(*of_table) for of_table in self.filters.items())),
        )


class Failed(Exception):
    """The exception that the persona's function raised: type and message."""


def act(
    folder: Path, persona: Persona, target: str, *arguments: Any, engine: Path | None = None, config: str = ""
) -> Any:
    """Call ``module:function`` as this persona, on the engine's folder; return its result.

    ``engine`` is the folder of an engine other than the one in `.venv`; ``config`` is additional XML configuration.
    """
    with tempfile.TemporaryDirectory() as place:
        users, configured = Path(place, "users.xml"), Path(place, "config.xml")
        users.write_text(persona.users_xml())
        configured.write_text(_CONFIG.format(users=users, more=config))
        address = f"{folder}?config-file={quote(str(configured))}"
        return _call({"PYTHONPATH": str(engine)} if engine else {}, address, target, arguments)


def _call(environment: Mapping[str, str], address: str, target: str, arguments: Sequence[Any]) -> Any:
    command = [*PYTHON, "tests.support.rigs.personas", target, address, json.dumps(arguments)]
    done = run(command, {**os.environ, **environment}, within_s=600)
    assert done.returncode == 0, done.stderr[-2_000:]
    reply = json.loads(done.stdout.splitlines()[-1])
    if "raised" in reply:
        raise Failed(reply["raised"])
    return reply["returned"]


def _element(name: str, inner: str) -> str:
    return f"<{name}>{inner}</{name}>"


def _inner(bounds: Mapping[str, str]) -> str:
    return "".join(_element(kind, value) for kind, value in bounds.items())


def _filter(table: str, condition: str) -> str:
    database, name = table.split(".")
    return _element(database, _element(name, _element("filter", escape(condition))))


def _main() -> None:
    target, address, arguments = sys.argv[1:4]
    module, name = target.split(":")
    try:
        returned = getattr(importlib.import_module(module), name)(
            {"interface": "chdb", "path": address}, *json.loads(arguments)
        )
        reply = {"returned": returned}
    except Exception as error:
        reply = {"raised": f"{type(error).__name__}: {error}"}
    print(json.dumps(reply), flush=True)
    os._exit(0)  # the threads of an unclosed reader would keep the process alive


if __name__ == "__main__":
    _main()
