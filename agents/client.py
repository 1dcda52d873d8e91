"""What one coding agent sends: the names in its hooks, and its telemetry."""

from collections.abc import Callable, Mapping

from msgspec import Struct

from agents.telemetry import Telemetry


class Client(Struct, frozen=True):
    """A coding agent: its name in URLs, and the known name for each of its own. Names that are not listed stay.

    ``tool_failed`` returns whether the payload of a finished tool reports a failure; some agents have no event for it.
    ``telemetry`` says how to read what the agent exports, if it exports anything.
    """

    name: str
    event_types: Mapping[str, str]
    tools: Mapping[str, str]
    tool_failed: Callable[[bytes], bool] = lambda _payload: False
    telemetry: Telemetry | None = None

    def event_type(self, own_name: str, payload: bytes) -> str:
        """Return the known type of an event that the client calls ``own_name``."""
        known = self.event_types.get(own_name, own_name)
        return "PostToolUseFailure" if known == "PostToolUse" and self.tool_failed(payload) else known
