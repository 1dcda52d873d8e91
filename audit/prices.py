"""GET /operator/prices."""

from litestar import Response, get

from edge.guards import may
from prices.shown import ShownPrice, shown
from query_api.prices import price_history
from query_api.read_context import Context
from schemas.http.responses import Reply


@get("/prices", operation_id="ListPrices", guards=[may("operate")])
async def list_loaded_prices(context: Context) -> Response[Reply[list[ShownPrice]]]:
    """List every price that was ever loaded, in the order of loading. The last one counts for its model and moment."""
    return context.reply([shown(row) for row in await price_history(context)])
