"""The users of `deploy/clickhouse/*.sql`, read from these files for the in-process engine."""

import re
from typing import NamedTuple

from tests.support import CHECKOUT
from tests.support.rigs.personas import Persona

PLACEHOLDER = re.compile(r"\{\{[^}]*\}\}")
# The in-process engine makes every client USE a database, and requires the right to see it. A server does not.
OF_THE_ENGINE = ("GRANT SHOW DATABASES ON *.*",)
_GRANT = re.compile(r"GRANT (.+) ON (\S+) TO (\w+)")
_USER = re.compile(r"CREATE USER IF NOT EXISTS (\w+) .*?(?:SETTINGS PROFILE '(\w+)')?$")
_PROFILE = re.compile(r"CREATE SETTINGS PROFILE IF NOT EXISTS (\w+) SETTINGS (.+)")
_SETTING = re.compile(r"(\w+) = (\w+)(?: MAX (\w+))?")
_POLICY = re.compile(r"CREATE ROW POLICY IF NOT EXISTS \w+ ON (.+) USING (.+) TO (\w+)$")


class Right(NamedTuple):
    """One right of one user."""

    user: str
    right: str
    scope: str

    @property
    def grant(self) -> str:
        return f"GRANT {self.right} ON {self.scope}"


def statements(org: str = "acme") -> list[str]:
    """Return the statements of both files, one per line, with every placeholder filled in."""
    folder = CHECKOUT / "deploy" / "clickhouse"
    text = "".join((folder / name).read_text() for name in ("users.sql", "teams.sql"))
    bare = "\n".join(re.sub(r"(^| )--.*", "", line) for line in text.splitlines())
    filled = PLACEHOLDER.sub("0" * 64, bare.replace("{{ORG}}", org))
    return [" ".join(statement.split()) for statement in filled.split(";") if statement.strip()]


def rights() -> list[Right]:
    """Return every granted right separately."""
    return [
        Right(user, right, scope)
        for found in filter(None, map(_GRANT.fullmatch, statements()))
        for rights, scope, user in [found.groups()]
        for right in rights.split(", ")
    ]


def persona(name: str, org: str = "acme", without: Right | None = None) -> Persona:
    """Return a user from the file, without one of its rights if ``without`` is given."""
    (profile,) = [found[2] for found in filter(None, map(_USER.fullmatch, statements(org))) if found[1] == name]
    settings = _settings(profile)
    return Persona(
        {setting: value for setting, value, _ in settings},
        {setting: {"max": most} for setting, _, most in settings if most},
        [*OF_THE_ENGINE, *(right.grant for right in rights() if right.user == name and right != without)],
        _filters(name, org),
    )


def _settings(profile: str | None) -> list[tuple[str, str, str]]:
    found = [match for match in map(_PROFILE.fullmatch, statements()) if match and match[1] == profile]
    return [setting for match in found for setting in _SETTING.findall(match[2])]


def _filters(user: str, org: str) -> dict[str, str]:
    found = [match for match in map(_POLICY.fullmatch, statements(org)) if match and match[3] == user]
    return {table: match[2] for match in found for table in match[1].split(", ")}
