"""The table of one client."""

from collections.abc import Mapping

from msgspec import Struct


class Client(Struct, frozen=True):
    """A coding agent: its name in addresses, and the known names for its own ones. A name that is missing stays."""

    name: str
    event_types: Mapping[str, str]
    tools: Mapping[str, str]
