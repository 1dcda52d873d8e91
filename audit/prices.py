"""GET /operator/prices, and the price history as the read side reads it."""

from litestar import Response, get
from msgspec.structs import astuple

from edge.guards import may
from prices.price_list import LoadedPrice
from prices.shown import ShownPrice, shown
from query_api.read_context import Context, ReadContext
from schemas.http.responses import Reply
from schemas.log.price import Price
from store.reading.question import NoParams, Question


class PriceRow(Price, frozen=True):
    """A price, and when it was loaded (µs since 1970)."""

    loaded_us: int


PRICES = Question("audit.prices", NoParams, PriceRow)


@get("/prices", operation_id="ListPrices", guards=[may("operate")])
async def list_loaded_prices(context: Context) -> Response[Reply[list[ShownPrice]]]:
    """List every price that was ever loaded, in the order of loading. The last one counts for its model and moment."""
    return context.reply([shown(row) for row in await price_history(context)])


async def price_history(context: ReadContext) -> list[LoadedPrice]:
    """Return every price that was ever loaded, in the order of loading."""
    rows = await context.ask_control(PRICES, NoParams())
    return [LoadedPrice(Price(*price), loaded_us) for *price, loaded_us in map(astuple, rows)]  # it is the last column
