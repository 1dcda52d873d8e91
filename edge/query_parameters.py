"""Refuse unknown query parameters, so that a misspelt filter is an error and is not ignored."""

import re
from collections import Counter
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from litestar import Litestar, Request
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute
from litestar.typing import FieldDefinition

from edge.errors import ApiError, invalid

OWN_PARAMETERS = "query_parameters"  # key of a route's `opt`: parameters that the route reads itself
ANY_PARAMETER = {"any_query_parameter": True}  # the `opt` of a route whose query only the client reads
_STATE = "known_query_parameters"
_NUMBER = re.compile(r"\s*[-+]?[0-9.]+(e[-+]?[0-9]+)?\s*", re.IGNORECASE)


class KnownParameters(NamedTuple):
    """A route's query parameters: all names, and those that may repeat, that take any text, or that are times."""

    names: frozenset[str] = frozenset()
    lists: frozenset[str] = frozenset()
    texts: frozenset[str] = frozenset()
    times: frozenset[str] = frozenset()


def collect_parameters(app: Litestar) -> None:
    """Store the query parameters of each route and its dependencies in the app's state, once."""
    known: dict[int, KnownParameters] = {}
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for handler, model in route.route_handler_map.values():
                fields, expected = signature_fields(handler), model.expected_query_params
                own = frozenset(handler.opt.get(OWN_PARAMETERS, ()))
                known[id(handler)] = KnownParameters(
                    own | {it.field_alias for it in expected},
                    own | {it.field_alias for it in expected if it.is_sequence},
                    own | {it.field_alias for it in expected if _accepts(str, fields[it.field_name])},
                    frozenset(it.field_alias for it in expected if _accepts(datetime, fields[it.field_name])),
                )
    app.state[_STATE] = known


def signature_fields(handler: HTTPRouteHandler) -> dict[str, FieldDefinition]:
    """Return the parameters of the handler and its dependencies, by name in the signature."""
    fields = dict(handler.parsed_fn_signature.parameters)
    for provided in handler.resolve_dependencies().values():
        fields = {**provided.parsed_fn_signature.parameters, **fields}
    return fields


async def refuse_unknown_parameters(request: Request[Any, Any, Any]) -> None:
    """Check the query of a request; a `before_request` hook of the whole service.

    Raises `ApiError`: 422 with the unknown, repeated or malformed parameters; 400 if the query is not UTF-8, which no
    filter could match.
    """
    handler = request.scope["route_handler"]
    if not (query := request.scope["query_string"]) or handler.opt.get("any_query_parameter"):
        return
    try:
        given = parse_qsl(query.decode("ascii"), keep_blank_values=True, errors="strict")
    except UnicodeDecodeError as error:
        raise ApiError(400, "bad_encoding", "The query is not percent-encoded UTF-8.") from error
    known: KnownParameters = request.app.state[_STATE].get(id(handler), KnownParameters())
    if faults := _find_faults(known, given):
        raise invalid(faults)


def _accepts(kind: type, field: FieldDefinition) -> bool:
    if field.is_literal:
        return False
    return field.is_subclass_of(kind) or any(_accepts(kind, inner) for inner in field.inner_types)


def _find_faults(known: KnownParameters, given: list[tuple[str, str]]) -> dict[str, list[str]]:
    faults = {name: ["is not a known parameter"] for name, _ in given if name not in known.names}
    for name, count in Counter(name for name, _ in given).items():
        if count > 1 and name not in known.lists:
            faults.setdefault(name, ["must not be given more than once"])
    for name, value in given:  # msgspec would read null as absent, and a number as seconds since 1970
        if value.lower() == "null" and name not in known.texts:
            faults.setdefault(name, ["must not be null"])
        if name in known.times and _NUMBER.fullmatch(value):
            faults.setdefault(name, ["must be an RFC 3339 time, such as 2026-01-20T10:30:00Z"])
    return faults
