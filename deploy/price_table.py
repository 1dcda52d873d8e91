"""The table `prices` of the control database: what is in it, and what may be added to it."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from clickhouse_connect.driver.client import Client

from processors.warehouse import sql
from schemas.price_file import Price, moment
from schemas.prices import NOTICE_MS, LoadedPrice, has_notice, newest

_TELLS_MAX = 3


class TooEarly(Exception):
    """Prices that begin at a time which may be counted already; the message says what to do."""


class Loaded(NamedTuple):
    """What a load came to."""

    added: Sequence[Price]
    known: int


def history_of(client: Client) -> list[LoadedPrice]:
    """Every price that was ever loaded, in the order of loading."""
    rows = client.query(sql("prices"), parameters={"control": client.database}).result_rows
    return [LoadedPrice(Price(*row[:-2]), row[-2]) for row in rows]


def begin_history(client: Client, prices: Iterable[Price]) -> None:
    """Give a history that is empty its first list."""
    _add(client, [LoadedPrice(price, 0) for price in prices])


def extend_history(client: Client, wanted: Iterable[Price], *, new_generations_only: bool) -> Loaded:
    """Add those of ``wanted`` that are not known yet: all of them, or none.

    Raises:
        TooEarly: where one could concern what is counted already, unless it is meant for generations to come.
    """
    known = {(price.model, price.from_ms): price for price in newest(history_of(client))}
    now_us: int = client.query("SELECT toUnixTimestamp64Micro(now64(6))").result_rows[0][0]
    every = list(wanted)
    rows = [LoadedPrice(price, now_us) for price in every if known.get((price.model, price.from_ms)) != price]
    if not new_generations_only and _is_counting(client):
        _refuse_early(rows, now_us // 1000 + NOTICE_MS)
    _add(client, rows)
    return Loaded([row.price for row in rows], len(every) - len(rows))


def _refuse_early(rows: Iterable[LoadedPrice], earliest_ms: int) -> None:
    early = [f"{row.price.model} from {moment(row.price.from_ms)}" for row in rows if not has_notice(row)]
    if early:
        some = ", ".join(early[:_TELLS_MAX]) + (f" and {len(early) - _TELLS_MAX} more" if early[_TELLS_MAX:] else "")
        raise TooEarly(
            f"{some}: reports of that time may be counted already, and projecting the log again would give other "
            f"costs. Nothing was loaded. Let new prices begin after {moment(earliest_ms + 1000)}, or load them with "
            "--new-generations-only: they then hold in generations that are made from now on"
        )


def _is_counting(client: Client) -> bool:
    return bool(client.query("SELECT count() FROM generations").result_rows[0][0])


def _add(client: Client, rows: Sequence[LoadedPrice]) -> None:
    if rows:
        values = [[*_columns(row.price), row.loaded_us] for row in rows]
        client.command(_INSERT, parameters={"rows": [tuple(value) for value in values]})


def _columns(price: Price) -> tuple[str | int, ...]:
    return tuple(getattr(price, name) for name in Price.__struct_fields__)


_INSERT = """
INSERT INTO prices
SELECT
    row.1,
    fromUnixTimestamp64Milli(row.2, 'UTC'),
    row.3,
    row.4,
    row.5,
    row.6,
    row.7,
    fromUnixTimestamp64Micro(row.8, 'UTC')
FROM (SELECT arrayJoin({rows:Array(Tuple(String, Int64, Int64, Int64, Int64, Int64, Int64, Int64))}) AS row)
"""
