"""The ingest service over a SQLite log, for a real HTTP server: `granian tests.support.rigs.served_ingest:app`."""

import os
from pathlib import Path

from edge.authentication import TokenVerifier
from edge.keys import shared_secret
from ingest.app import build_ingest
from ingest.log.sqlite.sqlite_log import SqliteEventLog
from tests.support.rigs.write_api import KEY, SECRETS

app = build_ingest(SqliteEventLog(Path(os.environ["LOG_FILE"])), SECRETS, TokenVerifier([shared_secret(KEY)]))
