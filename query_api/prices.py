"""GET /prices: the prices that the org's costs are made with, and the models that have none."""

from typing import Annotated

from litestar import Response, get
from msgspec import Struct, structs

from edge.guards import may
from edge.principal import Caller
from prices.price_list import LoadedPrice, PriceList, in_force, rows_in_force
from prices.shown import ShownPrice, shown
from query_api.read_context import Context, ReadContext
from schemas.http import fields
from schemas.http.fields import doc
from schemas.http.responses import Reply, from_row
from schemas.log.price import Price
from store.generations import known_generations
from store.reading.generations import GENERATIONS
from store.reading.question import NoParams, Question

MODELS_MAX = 1_000


class PriceRow(Price, frozen=True):
    """A price, and when it was loaded (µs since 1970)."""

    loaded_us: int


class UnpricedOf(Struct, frozen=True):
    """The models of an org whose tokens have no cost, ``limit`` at most."""

    org_id: str
    limit: int


class UnpricedModelRow(Struct, frozen=True):
    """A model, the sessions that used it without a cost, and the tokens of these."""

    model: str
    sessions: int
    tokens: int


PRICES = Question("query_api.prices", NoParams, PriceRow)
UNPRICED_MODELS = Question("query_api.unpriced_models", UnpricedOf, UnpricedModelRow)


class PriceInForce(ShownPrice, frozen=True):
    """A price, and where it comes from."""

    source: Annotated[str, doc("Whether it came with the installation or was loaded.", values="installation loaded")]


class UnpricedModel(Struct, frozen=True):
    """A model without a price, where the client gave no cost either."""

    model: fields.Model
    sessions: fields.Sessions
    tokens: fields.Tokens


class OrgPrices(Struct, frozen=True):
    """The prices in force, and what could not be priced with them."""

    prices: Annotated[list[PriceInForce], doc("Prices by model, the latest of each model first.")]
    unpriced: Annotated[list[UnpricedModel], doc("Models without a price, most tokens first; at most 1,000.")]


@get("/prices", operation_id="GetPrices", guards=[may("analytics.read")])
async def get_prices(context: Context, principal: Caller) -> Response[Reply[OrgPrices]]:
    """Return the prices that apply to usage for which clients report no cost, and the models that have none.

    A name also applies to its variants, such as those with a date. Tokens of a model without a price cost nothing until
    an operator loads one and rebuilds the numbers from the log.
    """
    rows = rows_in_force(await price_history(context), await _made_us(context))
    rows.sort(key=lambda row: (row.price.model, -row.price.from_ms))
    unpriced = await context.ask(UNPRICED_MODELS, UnpricedOf(principal.org_id, MODELS_MAX))
    prices = OrgPrices([_in_force(row) for row in rows], [from_row(UnpricedModel, row) for row in unpriced])
    return context.reply(prices)


async def price_list(context: ReadContext) -> PriceList:
    """Return the prices of the generation that the request reads."""
    return in_force(await price_history(context), await _made_us(context))


async def price_history(context: ReadContext) -> list[LoadedPrice]:
    """Return every price that was ever loaded, in the order of loading."""
    rows = await context.ask_control(PRICES, NoParams())
    return [LoadedPrice(Price(*price), loaded_us) for *price, loaded_us in map(structs.astuple, rows)]


async def _made_us(context: ReadContext) -> int:
    generations = known_generations(await context.ask_control(GENERATIONS, NoParams()))
    return next(known.made.made_us for known in generations if known.name == context.generation)


def _in_force(row: LoadedPrice) -> PriceInForce:
    price = shown(row)
    source = "installation" if price.loaded_at is None else "loaded"
    return PriceInForce(**structs.asdict(price), source=source)
