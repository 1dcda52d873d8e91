"""Runs the embedded default: log, projector, store, and the routes of both sides, in one process and one data folder.

This module imports little, so that a bad start fails at once and a good one answers requests within half a second.
Everything slower is in `runtime.services.embedded`.
"""

import asyncio
import os
from collections.abc import Callable
from importlib import import_module
from importlib.resources import files

import msgspec

from edge.sign_in_codes import SignInCodes
from ingest.log.atomic_write import write_whole
from runtime.services.ports import check_ports
from runtime.services.run_folder import locked_folder, write_address
from runtime.settings.log_url import embedded_log
from runtime.settings.secret_making import make_embedded_secrets
from runtime.settings.secrets import own_secrets, token_keys
from runtime.settings.settings import Settings


def run_single_process(settings: Settings, on_ready: Callable[[SignInCodes], None]) -> int:
    """Serve until SIGTERM; return the exit code. ``on_ready`` gets the sign-in codes once requests are accepted.

    Raises `Broken` if the contents of the folder don't match, and `BadSettings`.
    """
    settings = msgspec.structs.replace(
        settings,
        dev_tokens=True,  # tokens signed on this machine grant access to its orgs
        data=str(settings.folder),  # absolute: the engine changes the working directory while it loads
        secrets=str(settings.secrets_folder),
    )
    make_embedded_secrets(settings.secrets_folder, begun=embedded_log(settings).exists())
    own_secrets(settings.secrets_folder), token_keys(settings.secrets_folder)  # refuse files that others can read
    pid_file = settings.folder / "run" / "up.pid"
    with locked_folder(settings.folder):
        write_whole(pid_file, f"{os.getpid()}\n")
        try:
            check_ports(settings)
            import uvloop

            from runtime.services.tuning import tune_interpreter

            tune_interpreter()  # already here: collecting garbage during the imports would find none
            return uvloop.run(_run(settings, on_ready))
        finally:
            pid_file.unlink(missing_ok=True)


async def _run(settings: Settings, on_ready: Callable[[SignInCodes], None]) -> int:
    from edge.starting import Front
    from runtime.services.http_server import serve, stop_on_signals

    stopping, page, codes = stop_on_signals(), (files("dashboard") / "starting.html").read_bytes(), SignInCodes()
    front = Front(page, Front(page) if settings.admin_address else None)  # answers until the services are ready
    write_address(settings.folder, settings.host, settings.port)
    serving = asyncio.ensure_future(serve(front, settings, stopping, lifespan=False))
    serving.add_done_callback(lambda _: stopping.set())
    try:
        await _load(settings)
        from runtime.services.embedded import running

        async with running(settings, front, stopping, codes):
            if not stopping.is_set():
                on_ready(codes)
            await serving  # until `stopping` is set and the requests in progress have finished
    finally:
        stopping.set()
        await asyncio.wait({serving})
    return 0


async def _load(settings: Settings) -> None:
    """Import the services and, at the same time, the engine."""
    from store.engine import load_engine

    loads: list[Callable[[], object]] = [lambda: import_module("runtime.services.embedded")]
    if settings.store.startswith("chdb:"):
        loads.append(load_engine)
    await asyncio.gather(*(asyncio.to_thread(load) for load in loads))
