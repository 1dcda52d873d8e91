"""Read the table `prices` of the control database, and add prices to it."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from msgspec.structs import astuple

from prices.price_file import moment
from prices.price_list import NOTICE_MS, LoadedPrice, has_notice, newest
from schemas.log.price import Price
from store.connect import Client
from store.sql import read_sql

_LISTED_MAX = 3


class TooEarly(Exception):
    """A price would apply to a time that may be counted already; the message says what to do."""


class ReadPrices(NamedTuple):
    """The price history, as of ``read_at_ms`` by the store's clock."""

    history: list[LoadedPrice]
    read_at_ms: int


def read_prices(client: Client, control: str) -> ReadPrices | None:
    """Return every price that was ever loaded, in the order of loading; None if there is none."""
    rows = client.query(read_sql("prices", "prices"), parameters={"control": control}).result_rows
    return ReadPrices([LoadedPrice(Price(*row[:-2]), row[-2]) for row in rows], rows[0][-1]) if rows else None


def history_of(client: Client) -> list[LoadedPrice]:
    """Return the price history of the control database that ``client`` is on."""
    found = read_prices(client, client.database)
    return found.history if found else []


def accepted_rows(
    client: Client, history: Iterable[LoadedPrice], wanted: Iterable[Price], *, new_generations_only: bool
) -> list[LoadedPrice]:
    """Return the rows for those of ``wanted`` that ``history`` lacks, with the current time of the store's clock.

    Raises `TooEarly` if one could apply to reports that are counted already, and is not for new generations only.
    """
    known = {(price.model, price.from_ms): price for price in newest(history)}
    now_us: int = client.query("SELECT toUnixTimestamp64Micro(now64(6))").result_rows[0][0]
    rows = [LoadedPrice(price, now_us) for price in wanted if known.get((price.model, price.from_ms)) != price]
    if new_generations_only or not is_counting(client):
        return rows
    early = [f"{row.price.model} from {moment(row.price.from_ms)}" for row in rows if not has_notice(row)]
    if early:
        some = ", ".join(early[:_LISTED_MAX]) + (f" and {len(early) - _LISTED_MAX} more" if early[_LISTED_MAX:] else "")
        raise TooEarly(
            f"{some}: reports of that time may be counted already, and replaying the log would give different costs. "
            f"Nothing was loaded. Start new prices after {moment(now_us // 1000 + NOTICE_MS + 1000)}, or load them "
            "with --new-generations-only: they then apply only to generations made from now on"
        )
    return rows


def is_counting(client: Client) -> bool:
    """Return whether a generation exists; if so, reports may be counted already."""
    return bool(client.query("SELECT count() FROM generations").result_rows[0][0])


def add_prices(client: Client, rows: Sequence[LoadedPrice]) -> None:
    """Insert all rows in one block, so that they become visible together."""
    if rows:
        client.insert("prices", [_values(row) for row in rows], column_names=_COLUMNS)


def _values(row: LoadedPrice) -> list[object]:
    model, from_ms, *rates = astuple(row.price)
    from_ = _EPOCH + timedelta(milliseconds=from_ms)
    return [model, from_, *rates, _EPOCH + timedelta(microseconds=row.loaded_us)]


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_COLUMNS = ["model", "effective_from", *Price.__struct_fields__[2:], "loaded_at"]
