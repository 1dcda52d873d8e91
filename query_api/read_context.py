"""The context of one read request: all its questions go to one generation, and the reply claims no more than was
visible before the first question."""

from collections.abc import Callable, Mapping
from functools import partial
from hashlib import blake2b
from types import MappingProxyType
from typing import Annotated, Any, TypeVar, cast

import msgspec
from litestar import Request, Response
from litestar.di import NamedDependency, Provide
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter, SkipValidation
from litestar.status_codes import HTTP_304_NOT_MODIFIED

from edge.principal import Principal
from query_api.answers import Answers, key_of
from query_api.freshness import WAIT_HEADER, Claim, Freshness, Source, parse_positions, remember_claim
from query_api.paging import PAGE_MAX, PER_PAGE_DEFAULT, PER_PAGE_MAX, Page
from schemas.http import fields
from schemas.http.responses import Reply
from schemas.ids import IdSecrets
from schemas.permissions import ROUTES
from schemas.times import instant
from store.generations import Generation
from store.reading.question import P, Question, R
from store.reading.reader import Reader, answer, answer_from_control

T = TypeVar("T")
# Replies about single sessions, and those with the content of records: no cache may keep what may be erased.
_NOT_STORED = {"GetDeadLetter", *(route for route, may in ROUTES.items() if may.sees in ("session", "sessions"))}
_NO_STORE = {"Cache-Control": "no-store"}
_encode = msgspec.json.Encoder(decimal_format="number").encode  # large sums of money, see `schemas.money`


class ReadContext:
    """Reads the data of one reply and makes the reply."""

    def __init__(
        self,
        reader: Reader,
        generation: Generation,
        claim: Claim,
        known_tags: str,
        rolled_up: Mapping[int, int] = MappingProxyType({}),
        answers: Answers | None = None,
        age: int = 0,
        on_reply: Callable[[], None] = lambda: None,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Create a context from the ``claim`` before the first question and the request's ``If-None-Match``.

        ``rolled_up`` maps each partition to the offset below which the rollups contained all records at that time.
        ``answers`` caches the answers for this ``age`` of the org; ``on_reply`` is called when the reply is made, which
        gets these ``headers``.
        """
        self._answers, self._age, self._on_reply = answers, age, on_reply
        self._reader, self._generation, self._claim = reader, generation, claim
        self.rolled_up, self._headers = rolled_up, headers
        self._known_tags = {tag.strip().removeprefix("W/") for tag in known_tags.split(",")}

    @property
    def generation(self) -> str:
        return self._generation.name

    @property
    def fold_version(self) -> int:
        return self._generation.fold_version

    async def ask(self, question: Question[P, R], params: P) -> list[R]:
        """Return the rows that answer a question. The caller must not change them."""
        fresh = partial(answer, self._reader, self._generation, question, params)
        if self._answers is None:
            return await fresh()
        key = key_of(self.generation, self._claim.reached, self._age, question, params)
        return await self._answers.get(key, question, fresh)

    async def ask_control(self, question: Question[P, R], params: P) -> list[R]:
        return await answer_from_control(self._reader, question, params)

    async def ask_page(self, question: Question[P, R], params: P) -> tuple[list[R], int]:
        """Return one page (``limit``, ``offset``) and the ``total_count`` that each of its rows carries.

        A page past the end has no row to carry the count, so the first row of the list is read to get it.
        """
        rows: list[Any] = await self.ask(question, params)
        if not rows and cast(Any, params).offset:
            first: list[Any] = await self.ask(question, msgspec.structs.replace(params, limit=1, offset=0))
            return [], first[0].total_count if first else 0
        return rows, rows[0].total_count if rows else 0

    def reply(self, data: T, meta: Mapping[str, Any] | None = None) -> Response[Reply[T]]:
        """Return 200 with ``data``, or 304 if the caller already has it."""
        self._on_reply()
        encoded = _encode(data)
        digest = blake2b(self._generation.name.encode(), digest_size=12)
        digest.update(_encode(meta or {}))
        digest.update(encoded)
        tag = f'"{digest.hexdigest()}"'
        headers = {"ETag": f"W/{tag}", **self._headers}
        if tag in self._known_tags or "*" in self._known_tags:
            return Response(cast(Any, None), status_code=HTTP_304_NOT_MODIFIED, headers=headers)
        content = Reply(msgspec.Raw(encoded), dict(meta or {}))
        return Response(cast(Any, content), headers=headers)

    def reply_with_freshness(self, data: T, meta: Mapping[str, Any] | None = None) -> Response[Reply[T]]:
        """Return the same with the freshness of the data in ``meta``, which does not change the ``ETag``."""
        reply = self.reply(data, meta)
        if reply.status_code != HTTP_304_NOT_MODIFIED:
            reply.content.meta.update(
                complete_through=instant(self._claim.complete_through), lag_records=self._claim.lag_records
            )
        return reply


# Dependencies of routes, whose parameters are named ``context``, ``paging`` and ``id_secrets``.
Context = NamedDependency[ReadContext]
Paging = NamedDependency[Page]
Secrets = NamedDependency[IdSecrets]


def read_context_of(source: Source, remembered: bool = False) -> Provide:
    """Return the dependency of routes that read this source: the rollups, or the tables from which they are made.

    Routes that clients poll until something appears must not use ``remembered`` answers.
    """

    async def provide_read_context(
        request: Request[Any, Any, Any],
        reader: NamedDependency[SkipValidation[Reader]],
        freshness: NamedDependency[Freshness],
        answers: NamedDependency[SkipValidation[Answers]],
    ) -> ReadContext:
        """Wait until the positions that the caller names are visible, then note what is visible."""
        positions = parse_positions(request.headers.getall(WAIT_HEADER, []))
        if positions:
            snapshot = await freshness.when_visible(positions, source)
        elif remembered:
            snapshot = await freshness.held(f"{request.scope['path']}?{request.scope['query_string']!r}")
        else:
            snapshot = await freshness.snapshot()
        claim = snapshot.of(source)
        remember_claim(request.scope, snapshot.generation, claim)
        known_tags = request.headers.get("If-None-Match", "")
        new_context = partial(ReadContext, reader, snapshot.generation, claim, known_tags, snapshot.rollups.reached)
        route = str(cast(HTTPRouteHandler, request.scope["route_handler"]).operation_id)
        headers = _NO_STORE if route in _NOT_STORED else {}
        org_id = cast(Principal, request.user).org_id

        def shown() -> None:
            answers.shown(org_id)
            freshness.let_go()

        if remembered:
            return new_context(answers=answers, age=answers.age_of(org_id), headers=headers)
        return new_context(on_reply=shown, headers=headers)

    return Provide(provide_read_context)


def provide_page(
    page: Annotated[int, QueryParameter(ge=1, le=PAGE_MAX), fields.PAGE] = 1,
    per_page: Annotated[int, QueryParameter(ge=1, le=PER_PAGE_MAX), fields.PER_PAGE] = PER_PAGE_DEFAULT,
) -> Page:
    return Page(page, per_page)
