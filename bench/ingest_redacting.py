"""The write side over the embedded log: `python -m bench.ingest_redacting with|without FOLDER PORT`.

Without redaction it can only be had here: the product has no such switch.
"""

import sys
import time
from pathlib import Path

import uvloop

from edge.authentication import TokenVerifier
from edge.keys import shared_secret
from ingest.app import build_ingest
from ingest.log.sqlite.sqlite_log import SqliteEventLog
from ingest.privacy.policy import KEEP_ALL_BUT_SECRETS, Privacy
from runtime.http_server import serve_http
from runtime.http_services import stop_on_signals
from runtime.logging import configure_logging
from runtime.secret_making import make_embedded_secrets
from runtime.secrets import id_secrets, token_key

HOW = {"with": KEEP_ALL_BUT_SECRETS, "without": Privacy(may_hold_secrets=lambda _: False)}


async def serve(privacy: Privacy, folder: Path, port: int) -> None:
    """Serve until SIGTERM."""
    secrets = folder / "secrets"
    make_embedded_secrets(secrets)
    verifier = TokenVerifier([shared_secret(token_key(secrets))], time.time)
    log = SqliteEventLog(folder / "log.sqlite")
    app = build_ingest(log, id_secrets(secrets), verifier, privacy=privacy)
    await serve_http(app, "127.0.0.1", port, stop_on_signals())


if __name__ == "__main__":
    configure_logging()
    uvloop.run(serve(HOW[sys.argv[1]], Path(sys.argv[2]), int(sys.argv[3])))
