"""How many events a second does the write side make durable in the embedded log?"""

import signal
import sys
import time

from bench.harness import Question, Result, Say
from bench.ingest import ingest
from bench.load import ORG, Target
from bench.services import HOST, NOTHING_SET, STOP_S, TTL_S, temporary_folder, wait_until
from deploy.devstack.stack import answers_200
from deploy.devstack.supervisor.process import Process
from edge.tokens import issue_token
from kernel.ports import free_port
from runtime.secrets import token_key


def measure(say: Say) -> list[Result]:
    """One process: HTTP and one SQLite file."""
    with temporary_folder() as folder:
        port = free_port()
        command = [sys.executable, "-m", "bench.ingest_server", str(folder), str(port)]
        process = Process(command, NOTHING_SET, folder / "ingest.log", signal.SIGKILL)
        try:
            wait_until(lambda: answers_200(HOST, port, "/livez"), process, folder)
            token = issue_token(token_key(folder / "secrets"), "bench", ORG, "admin", TTL_S, time.time())
            return ingest("ingest_sqlite", Target(HOST, port, token), process.pid, say)
        finally:
            process.stop(signal.SIGTERM, STOP_S)


QUESTION = Question("ingest_sqlite", "HTTP → SQLite, 32 connections, 100 events a request", measure)
