"""Actions of a persona that reads, in a separate process (see `personas.py`)."""

import asyncio
from typing import Any

from structlog.testing import capture_logs

from store.address import StoreAddress
from store.reading.reader import open_reader
from tests.support.rigs.query_store import NOON, QueryApi, QueryStore, session


def fill(options: dict[str, Any]) -> str:
    """Make a store with two sessions; return the name of its control database."""
    store = QueryStore(options)
    store.progress(0, 10, 10, NOON)
    store.put(session(agent_name="reviewer"), session())
    return store.base


def read(options: dict[str, Any], base: str) -> dict[str, Any]:
    """Run the start-up check, a list of sessions and a search; return the results and the log."""
    with capture_logs() as logged:
        return asyncio.run(_read(options, base)) | {"logged": logged}


async def _read(options: dict[str, Any], base: str) -> dict[str, Any]:
    reader = open_reader(StoreAddress(options, base))
    try:
        await reader.check()
        api = QueryApi(reader)
        replies = [await api.get("sessions"), await api.get("sessions/search", {"q": "reviewer"})]
        return {"replies": [[reply.status_code, len(reply.json().get("data", []))] for reply in replies]}
    finally:
        reader.close()
