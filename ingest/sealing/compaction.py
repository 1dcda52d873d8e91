"""A request for a digest becomes its fact."""

from uuid import UUID

from ingest.intake.context import Asker
from schemas.http.requests import RequestCompaction
from schemas.http.responses import QueuedCompaction
from schemas.ids import is_sensitive
from schemas.log.records import CompactionRequested


def seal_compaction(body: RequestCompaction, session_id: UUID, asker: Asker) -> CompactionRequested:
    """The fact that somebody asked. Instructions are content, so those for a sensitive session are not kept."""
    return CompactionRequested(
        **asker.head(session_id),
        fact_id=asker.fact_id("compact", session_id),
        instructions=None if is_sensitive(session_id) else body.instructions,
        max_characters=body.max_characters,
    )


def compaction_as_accepted(record: CompactionRequested) -> QueuedCompaction:
    """The reply: the fact's identity is the digest's, so a late copy of the call answers the same one."""
    return QueuedCompaction(record.session_id, record.fact_id, "queued")
