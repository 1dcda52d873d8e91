"""`prices`: what tokens cost if a client reported no cost."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from cli.exits import end
from cli.find_installation import open_installation, token_option, url_option
from cli.groups import CommandGroup
from cli.jobs import run_job
from cli.options import settings_options
from cli.printing import print_table
from prices.price_file import KINDS, BadPrices, format_prices, moment, parse_prices, usd_per_million
from prices.price_list import list_prices
from prices.shown import ShownPrice, newest_shown, shown
from runtime.services.run_folder import is_in_use
from runtime.settings.settings import Settings, load_settings
from schemas.log.price import Price

if TYPE_CHECKING:
    from cli.client import Installation

PATH = "/operator/prices"


@click.group(cls=CommandGroup)
def prices() -> None:
    """Show and extend the price list, which applies if a client reported no cost.

    A new installation starts with the list of its version. An upgrade does not change the list: load the new version's
    list with `prices load --shipped`. To start with your own list, load it before the first start.
    """


@prices.command()
@settings_options("data", "log_url", "store_url")
@url_option
@token_option
@click.option(
    "--new-generations-only",
    is_flag=True,
    help="Also accept past prices; they apply only to generations created from now on.",
)
@click.option("--shipped", is_flag=True, help="Load the list of this version instead of FILE.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=False)
def load(
    file: Path | None, shipped: bool, new_generations_only: bool, url: str | None, token: str | None, **options: Any
) -> None:
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
    load it before it begins.

    A running installation (--url, or --data of an `up` or a `stack`) loads the prices itself. In production, where only
    `provision` may change prices, run it afterwards. Before the first start, or with --store-url, this command loads
    them: into the log, then into the store, which can be rebuilt from the log. With Kafka, also give --log-url and the
    Kafka settings as for `ingest`.

    Exits with 1 if a price begins too early, and with 69 if the log or the store is unavailable: then run the same
    command again.

    \b
    Example:
      crewkit-sessions prices load prices.toml --data var/up
      crewkit-sessions prices load --shipped --new-generations-only --data var/up
    """
    if (file is None) != shipped:
        raise click.UsageError("give either a FILE or --shipped")
    wanted = list_prices().prices if file is None else _read(file)
    settings = load_settings(options)
    if running := _running(settings, url, token):
        added = _request(running, wanted, new_generations_only)
    else:
        added = _load(settings, wanted, new_generations_only)
    for price in added:
        dollars = ", ".join(f"{name.replace('_', ' ')} {usd:f}" for name, usd in _usd(price).items())
        click.echo(f"{price.model} from {moment(price.from_ms)}: {dollars}")
    click.echo(f"prices: {len(added)} loaded, {len(wanted) - len(added)} known already")


@prices.command()
@settings_options("data", "store_url")
@url_option
@token_option
@click.option("--json", "as_json", is_flag=True, help="Print only JSON, including replaced prices.")
@click.option("--toml", "as_toml", is_flag=True, help="Print the list as a file for `prices load`.")
def show(as_json: bool, as_toml: bool, url: str | None, token: str | None, **options: Any) -> None:
    """Show the price list, in US dollars per million tokens.

    \b
    Example:
      crewkit-sessions prices show --data var/up
      crewkit-sessions prices show --toml > prices.toml
    """
    settings = load_settings(options)
    running = _running(settings, url, token)
    if running is None:
        from runtime.operations.load_prices import price_history

        history = [shown(row) for row in price_history(settings)]
    else:
        history = _listed(running)
    if as_json:
        click.echo(msgspec.json.encode(history).decode())
    elif as_toml:
        click.echo(format_prices(newest_shown(history)), nl=False)
    else:
        _print_table(newest_shown(history))


def _running(settings: Settings, url: str | None, token: str | None) -> "Installation | None":
    """Return the installation that loads and shows prices itself; None if its store is free, or a server is named.

    The store of `up` is open in its process. That of a stack can be reached only while the stack is running.
    """
    from runtime.settings.stack_folder import load_ports

    folder = settings.folder
    if url or (not settings.store_url and (load_ports(folder) is not None or is_in_use(folder))):
        return open_installation(folder, url, token)
    return None


def _request(running: "Installation", wanted: Sequence[Price], new_generations_only: bool) -> Sequence[Price]:
    """Let the installation load the prices that it does not have; return them. If it refuses, the command ends."""
    known = set(newest_shown(_listed(running)))
    new = [price for price in wanted if price not in known]
    if not new:
        return new
    text = format_prices(new)
    done = run_job(running, "prices", waits=True, prices=text, new_generations_only=new_generations_only)
    (result,) = done["results"]
    return newest_shown(msgspec.convert(result["added"], list[ShownPrice]))


def _load(settings: Settings, wanted: Sequence[Price], new_generations_only: bool) -> Sequence[Price]:
    """Load prices into a log and a store that no process serves; return the new ones."""
    from prices.table import TooEarly
    from runtime.operations.load_prices import load_prices

    try:
        loaded = load_prices(settings, wanted, new_generations_only=new_generations_only)
    except TooEarly as error:
        end(str(error))
    return [row.price for row in loaded]


def _listed(running: "Installation") -> list[ShownPrice]:
    return msgspec.convert(running.get(PATH)["data"], list[ShownPrice])


def _read(file: Path) -> list[Price]:
    try:
        return parse_prices(file.read_text())
    except (BadPrices, UnicodeDecodeError) as error:
        raise click.UsageError(f"{file}: {error}") from error


def _print_table(prices: Sequence[Price]) -> None:
    columns = ("model", "from", *(name.replace("_", " ") for name in KINDS))
    ordered = sorted(prices, key=lambda price: (price.model, price.from_ms))
    rows = [(price.model, moment(price.from_ms), *(f"{usd:f}" for usd in _usd(price).values())) for price in ordered]
    print_table(columns, rows, shown_max=len(rows))


def _usd(price: Price) -> dict[str, Any]:
    return {name: usd_per_million(getattr(price, f"{name}_nano")) for name in KINDS}
