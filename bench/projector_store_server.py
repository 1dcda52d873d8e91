"""How fast does a projector worker follow Kafka with the store behind HTTP, in another process?"""

import secrets

from bench.harness import Question, Result, Say
from bench.projector import project
from bench.services import HOST, service, temporary_folder, wait_until
from deploy.devstack.stack import answers_200
from kernel.ports import free_port

MARK = 80_000


def measure(say: Say) -> list[Result]:
    """The worker and the store server, one process each."""
    port = free_port()
    url = f"clickhouse://bench:{secrets.token_urlsafe(16)}@{HOST}:{port}"
    options = ("--host", HOST, "--port", str(port))
    with temporary_folder() as folder, service(folder, "store-server", *options, env={"STORE_URL": url}) as server:
        wait_until(lambda: answers_200(HOST, port, "/ping"), server, folder)
        return project(folder, url, "projector_store_server", MARK, say)


QUESTION = Question("projector_store_server", "Kafka → five writes, the store behind HTTP", measure)
