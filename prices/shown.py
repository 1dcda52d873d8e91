"""A loaded price as the API and `prices show` show it: US dollars per million tokens, and times as text."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated

from msgspec import Struct

from prices.price_file import KINDS
from prices.price_list import FIRST_IN_LOG_US, FIRST_US, LoadedPrice
from schemas.http import fields
from schemas.http.fields import doc, moment
from schemas.log.price import Price
from schemas.money import nano_of, usd_of
from schemas.times import instant


class ShownPrice(Struct, frozen=True, rename={"since": "from"}):
    """A price of a model from a moment on, in US dollars per million tokens."""

    model: fields.Model
    since: Annotated[str, moment("Time from which the price applies.")]
    input: Annotated[float, doc("Price of input tokens.", 3.0)]
    output: Annotated[float, doc("Price of output tokens.", 15.0)]
    cache_read: Annotated[float, doc("Price of tokens read from the prompt cache.", 0.3)]
    cache_write_5m: Annotated[float, doc("Price of tokens written to the cache for 5 minutes.", 3.75)]
    cache_write_1h: Annotated[float, doc("Price of tokens written to the cache for an hour.", 6.0)]
    loaded_at: Annotated[str | None, moment("Time at which it was loaded; null for the list of a new installation.")]


def shown(row: LoadedPrice) -> ShownPrice:
    """Return the price as it is shown."""
    usd = {kind: usd_of(getattr(row.price, f"{kind}_nano")) for kind in KINDS}
    began_with_it = row.loaded_us in (FIRST_US, FIRST_IN_LOG_US)
    loaded_at = None if began_with_it else instant(row.loaded_us // 1000)
    return ShownPrice(model=row.price.model, since=instant(row.price.from_ms), loaded_at=loaded_at, **usd)


def newest_shown(rows: Iterable[ShownPrice]) -> list[Price]:
    """Return the price loaded last for each model and moment; ``rows`` are in the order of loading."""
    return list({(row.model, row.since): _price(row) for row in rows}.values())


def _price(row: ShownPrice) -> Price:
    from_ms = round(datetime.fromisoformat(row.since).timestamp() * 1000)
    return Price(row.model, from_ms, *(nano_of(getattr(row, kind)) for kind in KINDS))
