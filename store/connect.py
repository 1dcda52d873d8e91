"""Create ClickHouse clients, for a server over HTTP or for the engine in this process. All code connects here.

Also defines the supported versions of ClickHouse. A test runs all DDL and all SQL on the oldest engine available.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import clickhouse_connect
from clickhouse_connect.driver import options as optional_packages
from clickhouse_connect.driver.client import Client as Client  # for callers that pass one on

from store.replicas import Host, Replicas, write_settings

FLOOR = (26, 2, 4, 10)
RECOMMENDED = "26.3 LTS"
VERSION_SQL = "SELECT version(), getSetting('compatibility')"
SNAPSHOT = "enable_shared_storage_snapshot_in_query"  # all parts of a statement read the same state of a table

# At the first insert, the driver imports pandas and numpy to check whether rows are theirs: 0.4 s of processor time.
vars(optional_packages).update(dict.fromkeys(("np", "pd", "pd_time_test", "arrow", "pl")))


class ClientProfile(NamedTuple):
    settings: Mapping[str, object]  # sent with every statement
    options: Mapping[str, Any]  # of `clickhouse_connect.get_client`
    over_http: Mapping[str, Any]  # options that only a server's client has
    writes: bool = False  # with replicas, its statements wait for a majority

    def within(self, connect_s: float, response_s: float) -> "ClientProfile":
        """Return the profile with time-outs, in seconds. The engine in the process has none."""
        limits = {"connect_timeout": connect_s, "send_receive_timeout": response_s}
        return self._replace(over_http={**self.over_http, **limits})


# Statements of one session can't run concurrently; parameters may be longer than the URL that a proxy allows.
_HTTP = {"autogenerate_session_id": False, "form_encode_query_params": True}
PLAIN = ClientProfile({}, {}, {})  # sends no settings: the user's profile may forbid them all
READ = ClientProfile({}, {"tz_mode": "aware"}, _HTTP)  # each question carries its own settings
WRITE = ClientProfile(
    {
        SNAPSHOT: 1,
        "async_insert": 0,
        # A repair removes rows and writes the same rows again. Replicated and shared tables would drop that block as a
        # duplicate. `insert_deduplicate` has no effect since ClickHouse 26.2.
        "deduplicate_insert": "disable",
    },
    {},
    {**_HTTP, "compress": False},
    writes=True,
)


def connect(profile: ClientProfile, **where: Any) -> Client:
    """Return a client. ``where`` is ``interface="chdb", path=…`` or ``host=…, port=…``, with further options.

    With ``replicas``, the client connects to the replica in use.
    """
    options = {**profile.options, **(profile.over_http if "host" in where else {}), **where}
    replicas: Replicas | None = options.pop("replicas", None)
    if replicas is None:
        return clickhouse_connect.get_client(settings=dict(profile.settings) or None, **options)
    settings = {**profile.settings, **(write_settings(replicas) if profile.writes else {})}

    def on(host: Host) -> Client:
        return clickhouse_connect.get_client(
            settings=settings or None, **{**options, "host": host.name, "port": host.port}
        )

    return replicas.connect(on)


def check_version(client: Client, refusal: type[Exception]) -> None:
    """Raise a ``refusal`` that says what to do if the store is too old for this code."""
    ((version, compatibility),) = client.query(VERSION_SQL).result_rows
    if why := why_too_old(version, compatibility):
        raise refusal(why)


def why_too_old(version: str, compatibility: str) -> str:
    """Return one sentence that says what is wrong with a store's version; empty if nothing is.

    ``version`` is the result of `version()`. ``compatibility`` is our user's value of that setting, empty if not set.
    """
    if _numbers(version)[: len(FLOOR)] < FLOOR:
        floor = ".".join(map(str, FLOOR))
        return (
            f"the store is ClickHouse {version}, but {floor} or newer is needed: "
            f"upgrade it, preferably to {RECOMMENDED}"
        )
    if compatibility and _numbers(compatibility) < FLOOR[: len(_numbers(compatibility))]:
        floor = ".".join(map(str, FLOOR[:2]))
        return (
            f"the setting `compatibility` makes the store behave like ClickHouse {compatibility}, but {floor} or newer "
            "is needed: remove it from the profile of STORE_URL's user"
        )
    return ""


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version.partition(" ")[0])))
