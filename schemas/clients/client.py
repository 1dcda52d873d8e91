"""The table of one client."""

from collections.abc import Callable, Mapping

from msgspec import Struct


def _never(_payload: bytes) -> bool:
    return False


class Client(Struct, frozen=True):
    """A coding agent: its name in addresses, and the known names for its own ones. A name that is missing stays.

    ``tool_failed`` says of the payload of a finished tool that it failed, where the event's name does not.
    """

    name: str
    event_types: Mapping[str, str]
    tools: Mapping[str, str]
    tool_failed: Callable[[bytes], bool] = _never

    def event_type(self, own_name: str, payload: bytes) -> str:
        """Return the known type of an event that the client calls ``own_name``."""
        known = self.event_types.get(own_name, own_name)
        return "PostToolUseFailure" if known == "PostToolUse" and self.tool_failed(payload) else known
