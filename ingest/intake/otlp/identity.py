"""The ids of events made from telemetry: the same for every copy, whatever request or encoding it comes in. Pure."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from agents.exported import Attributes, DataPoint
from agents.telemetry import Made, whole
from schemas.ids import derived_event_digest, event_id_hasher

_encode = msgspec.json.Encoder(order="sorted").encode


class Identities:
    """Derives the digests of the events of one session; `schemas.ids.event_ids` makes ids of them."""

    def __init__(self, seed_key: bytes, session_id: UUID) -> None:
        self._hasher = event_id_hasher(seed_key, session_id)

    def of_record(self, name: str, time_ns: int, attributes: Attributes, event: Made) -> bytes:
        """Identify a model request by its id, any other record by its place in the session or by its whole content."""
        request = event.fields.get("request_id") if event.event_type == "ApiRequest" else None
        if request is not None:
            return self._digest("request", [request])
        sequence = whole(attributes, "event.sequence")
        return self._digest("record", [name, time_ns, attributes if sequence is None else sequence])

    def of_point(self, point: DataPoint) -> bytes:
        """Identify a data point by its series and interval."""
        return self._digest("point", [point.metric, point.attributes, point.start_ns, point.time_ns])

    def series_of(self, point: DataPoint) -> str:
        """Return the name of the cumulative series that a point continues; each process starts it again."""
        return self._digest("series", [point.metric, point.attributes, point.start_ns]).hex()

    def _digest(self, kind: str, parts: Sequence[object]) -> bytes:
        # No event that a client sends to another endpoint has an empty time.
        return derived_event_digest(self._hasher, f"otlp:{kind}", "", _encode(parts), 0)
