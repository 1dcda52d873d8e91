"""The client's state: what is waiting, what was sent, and what went wrong."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import Any

from crewkit_hook import program, spool
from crewkit_hook.agents.registry import AGENTS
from crewkit_hook.daemon import FAILED
from crewkit_hook.foreign import printable
from crewkit_hook.hook_files import is_connected, is_current
from crewkit_hook.settings import NotConnected, load
from crewkit_hook.store import for_reading


def status(home: str) -> dict[str, Any]:
    """Return the state of the client as a JSON object."""
    names = spool.waiting(home) if Path(home, spool.NEW).is_dir() else []
    failed, sent = Path(home, FAILED), _sent(home)  # at once: the sender moves events from there to here
    oldest_s = int(names[0].partition("-")[0]) / 1_000 if names else 0.0
    connected = [name for name, agent in AGENTS.items() if is_connected(agent, None)]
    runs = program.lasting()
    try:
        settings = load(home)
        installation: dict[str, Any] = {"installation": settings.url, "org": settings.org}
    except NotConnected as error:
        installation = {"installation": None, "org": None, "problem": str(error)}
    return {
        "home": home,
        **installation,
        "connected": connected,  # agents with our hooks
        # those of them whose hooks run another version of this program
        "outdated": [name for name in connected if not is_current(AGENTS[name], None, runs)],
        **sent,
        "waiting": len(names) + sent["waiting"],
        "oldest_waiting_seconds": max(0.0, round(time.time() - oldest_s, 1)) if names else None,
        "dropped": spool.dropped(home),
        "sender": spool.sender(home) if Path(home).is_dir() else 0,
        "failed": printable(failed.read_text("utf-8").strip().splitlines()[-1]) if failed.exists() else None,
    }


def _sent(home: str) -> dict[str, Any]:
    store = for_reading(home)
    if store is None:
        nothing = {"waiting": 0, "sent": 0, "refused": 0, "erased": 0}
        return {**nothing, "last_sent": None, "last_error": None, "refusals": []}
    with contextlib.closing(store):
        return {
            "waiting": store.waiting(),
            "sent": store.counted("sent"),
            "refused": store.counted("refused"),
            "erased": store.counted("erased"),
            "last_sent": store.noted("last_sent") or None,
            "last_error": printable(store.noted("last_error")) or None,
            "refusals": [printable(reason) for reason in store.refusals()],
        }


def shown(found: dict[str, Any]) -> str:
    """Return the state as text for a terminal."""
    outdated = f"{', '.join(found['outdated'])}: run `crewkit-hook connect` again" if found["outdated"] else "none"
    rows = {
        "installation": f"{found['installation']}, org {found['org']}" if found["installation"] else found["problem"],
        "agents": ", ".join(found["connected"]) or "none for this user",
        "outdated": outdated,
        "waiting": str(found["waiting"]),
        "sent": f"{found['sent']}" + (f", last at {found['last_sent']}" if found["last_sent"] else ""),
        "dropped": f"{found['dropped']}" + (" (the spool or the disk was full)" if found["dropped"] else ""),
        "refused": f"{found['refused']}" + "".join(f"\n               {reason}" for reason in found["refusals"]),
        **(
            {"erased": f"{found['erased']} (removed: their sessions are erased or forgotten)"}
            if found["erased"]
            else {}
        ),
        "sender": f"running, process {found['sender']}" if found["sender"] else "starts with the next event",
        "last error": found["last_error"] or "none",
        **({"failed": f"{found['failed']} (full text: {Path(found['home'], FAILED)})"} if found["failed"] else {}),
        "folder": found["home"],
    }
    return "\n".join(f"{name + ':':<14} {value}" for name, value in rows.items())
