"""The client's state: what is waiting, what was sent, and what went wrong."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from crewkit_hook import spool
from crewkit_hook.agent_settings import FILES, is_connected, is_current
from crewkit_hook.daemon import FAILED
from crewkit_hook.printable import printable
from crewkit_hook.settings import NotConnected, load
from crewkit_hook.store import for_reading


def status(home: str) -> dict[str, Any]:
    """Return the state of the client as a JSON object."""
    found: dict[str, Any] = {"home": home, "connected": [], "installation": None, "org": None}
    try:
        settings = load(home)
        found |= {"installation": settings.url, "org": settings.org}
    except NotConnected as error:
        found["problem"] = str(error)
    found["connected"] = [client for client, file in FILES.items() if is_connected(file, None)]
    found["outdated"] = [client for client in found["connected"] if not is_current(FILES[client], None)]
    names = spool.waiting(home) if Path(home, spool.NEW).is_dir() else []
    found |= {"waiting": len(names), "sent": 0, "refused": 0, "dropped": spool.dropped(home)}
    found["oldest_waiting_seconds"] = _age_s(names[0]) if names else None
    found["sender"] = spool.sender(home) if Path(home).is_dir() else 0
    found |= {"last_sent": None, "last_error": None, "refusals": []}
    failed = Path(home, FAILED)
    found["failed"] = printable(failed.read_text("utf-8").strip().splitlines()[-1]) if failed.exists() else None
    store = for_reading(home)
    if store is not None:
        found["waiting"] += store.waiting()
        found |= {"sent": int(store.noted("sent") or 0), "refused": int(store.noted("refused") or 0)}
        found |= {
            "last_sent": store.noted("last_sent") or None,
            "last_error": printable(store.noted("last_error")) or None,
        }
        found["refusals"] = [printable(reason) for _, reason in store.refusals()]
        store.close()
    return found


def shown(found: dict[str, Any]) -> str:
    """Return the state as text for a terminal."""
    rows = {
        "installation": f"{found['installation']}, org {found['org']}" if found["installation"] else found["problem"],
        "agents": ", ".join(found["connected"]) or "none for this user",
        "outdated": ", ".join(found["outdated"]) + ": run `crewkit-hook connect` again"
        if found["outdated"]
        else "none",
        "waiting": str(found["waiting"]),
        "sent": f"{found['sent']}" + (f", last at {found['last_sent']}" if found["last_sent"] else ""),
        "dropped": f"{found['dropped']}" + (" (the spool or the disk was full)" if found["dropped"] else ""),
        "refused": f"{found['refused']}" + "".join(f"\n               {reason}" for reason in found["refusals"]),
        "sender": f"running, process {found['sender']}" if found["sender"] else "starts with the next event",
        "last error": found["last_error"] or "none",
        **({"failed": f"{found['failed']} (full text: {Path(found['home'], FAILED)})"} if found["failed"] else {}),
        "folder": found["home"],
    }
    return "\n".join(f"{name + ':':<14} {value}" for name, value in rows.items())


def _age_s(name: str) -> float:
    return max(0.0, round(time.time() - int(name.partition("-")[0]) / 1_000, 1))
