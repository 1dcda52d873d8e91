"""`prices`: what tokens cost if a client reported no cost."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from cli.exits import DIFFERENT
from cli.options import settings_options
from prices.price_file import KINDS, BadPrices, format_prices, moment, parse_prices, usd_per_million
from prices.price_list import FIRST_IN_LOG_US, FIRST_US, LoadedPrice, list_prices, newest
from runtime.settings.settings import load_settings
from schemas.log.price import Price
from schemas.times import instant


@click.group()
def prices() -> None:
    """Show and extend the price list, which applies if a client reported no cost.

    A new installation starts with the list of its version. An upgrade does not change the list: load the new version's
    list with `prices load --shipped`. To start with your own list, load it before the first start.
    """


@prices.command()
@settings_options("data", "log_url", "store_url")
@click.option(
    "--new-generations-only",
    is_flag=True,
    help="Also accept past prices; they apply only to generations created from now on.",
)
@click.option("--shipped", is_flag=True, help="Load the list of this version instead of FILE.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=False)
def load(file: Path | None, shipped: bool, new_generations_only: bool, **options: Any) -> None:
    """Add the new prices in FILE, or in this version's list: all of them or none.

    FILE is TOML, in US dollars per million tokens. Keep one file, add to it, and load the whole file:

    \b
      [[price]]
      model = "claude-sonnet-5"      # also with a date or a provider's suffix; the longest name wins
      from = 2027-01-01              # a day or a moment (UTC)
      input = 2.00
      output = 10.00
      cache_read = 0.20              # these three are optional: 0.1, 1.25 and 2 times the input
      cache_write_5m = 2.50
      cache_write_1h = 4.00

    A new price must begin at least an hour from now, since earlier reports may already be counted. Running projectors
    load it before it begins. Stop `up` first, because its store runs inside its process.

    Prices go into the log, then into the store, which can be rebuilt from the log. With Kafka, give --log-url and the
    Kafka settings as for `ingest`; for the folder of a `stack`, --data is enough.

    Exits with 1 if a price begins too early, and with 69 if the log or the store is unavailable: then run the same
    command again.

    \b
    Example:
      crewkit-sessions prices load prices.toml --data var/up
      crewkit-sessions prices load --shipped --new-generations-only --data var/up
    """
    from prices.table import TooEarly
    from runtime.operations.load_prices import load_prices

    wanted = _wanted(file, shipped)
    try:
        added = load_prices(load_settings(options), wanted, new_generations_only=new_generations_only)
    except TooEarly as error:
        click.echo(f"refused: {error}", err=True)
        sys.exit(DIFFERENT)
    for price in added:
        click.echo(f"{price.model} from {moment(price.from_ms)}: {_dollars(price)}")
    click.echo(f"prices: {len(added)} loaded, {len(wanted) - len(added)} known already")


@prices.command()
@settings_options("data", "store_url")
@click.option("--json", "as_json", is_flag=True, help="Print only JSON, including replaced prices.")
@click.option("--toml", "as_toml", is_flag=True, help="Print the list as a file for `prices load`.")
def show(as_json: bool, as_toml: bool, **options: Any) -> None:
    """Show the price list, in US dollars per million tokens. Stop `up` first.

    \b
    Example:
      crewkit-sessions prices show --data var/up
      crewkit-sessions prices show --toml > prices.toml
    """
    from runtime.operations.load_prices import price_history

    history = price_history(load_settings(options))
    if as_json:
        click.echo(json.dumps([_as_json(row) for row in history]))
    elif as_toml:
        click.echo(format_prices(newest(history)), nl=False)
    else:
        _print_table(history)


COMMANDS: Sequence[click.Command] = (prices,)


def _wanted(file: Path | None, shipped: bool) -> Sequence[Price]:
    if (file is None) != shipped:
        raise click.UsageError("give either a FILE or --shipped")
    return list_prices().prices if file is None else _read(file)


def _read(file: Path) -> list[Price]:
    try:
        return parse_prices(file.read_text())
    except (BadPrices, UnicodeDecodeError) as error:
        raise click.UsageError(f"{file}: {error}") from error


def _print_table(history: Sequence[LoadedPrice]) -> None:
    from rich.console import Console
    from rich.table import Column, Table

    table = Table(Column("model", no_wrap=True), "from", *(name.replace("_", " ") for name in KINDS))
    for price in sorted(newest(history), key=lambda price: (price.model, price.from_ms)):
        table.add_row(price.model, moment(price.from_ms), *(f"{usd:f}" for usd in _usd(price).values()))
    Console(markup=False, highlight=False).print(table)


def _as_json(row: LoadedPrice) -> dict[str, Any]:
    usd = {name: float(value) for name, value in _usd(row.price).items()}
    began_with_it = row.loaded_us in (FIRST_US, FIRST_IN_LOG_US)
    loaded_at = None if began_with_it else instant(row.loaded_us // 1000)
    return {"model": row.price.model, "from": instant(row.price.from_ms), **usd, "loaded_at": loaded_at}


def _usd(price: Price) -> dict[str, Any]:
    return {name: usd_per_million(getattr(price, f"{name}_nano")) for name in KINDS}


def _dollars(price: Price) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {usd:f}" for name, usd in _usd(price).items())
