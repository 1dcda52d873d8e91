"""One request's reading: every question goes to one generation, and the reply claims only what was known before."""

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any, TypeVar, cast

import msgspec
from litestar import Request, Response
from litestar.di import NamedDependency
from litestar.params import SkipValidation
from litestar.status_codes import HTTP_304_NOT_MODIFIED

from query_api.freshness import WAIT_HEADER, Freshness, Snapshot, positions_of
from query_api.freshness_header import remember_complete_through
from query_api.question import P, Question, R
from query_api.reader import Reader, answer
from schemas.http.responses import Reply, instant

T = TypeVar("T")
_encode = msgspec.json.Encoder(decimal_format="number").encode  # large sums of money, see `schemas.money`


class Reading:
    """Asks for the data of one reply, and makes the reply."""

    def __init__(self, reader: Reader, seen: Snapshot, known_tags: str) -> None:
        """``seen`` was taken before anything is asked; ``known_tags`` is the request's ``If-None-Match``."""
        self._reader = reader
        self._seen = seen
        self._known_tags = {tag.strip().removeprefix("W/") for tag in known_tags.split(",")}

    async def ask(self, question: Question[P, R], params: P) -> list[R]:
        """The rows that answer a question."""
        return await answer(self._reader, self._seen.generation, question, params)

    async def page(self, question: Question[P, R], params: P) -> tuple[list[R], int]:
        """One page (``limit``, ``offset``) and the ``total_count`` that each row carries.

        Past the end there is no row to carry it, so the first one is asked.
        """
        rows: list[Any] = await self.ask(question, params)
        if not rows and cast(Any, params).offset:
            first: list[Any] = await self.ask(question, msgspec.structs.replace(params, limit=1, offset=0))
            return [], first[0].total_count if first else 0
        return rows, rows[0].total_count if rows else 0

    def reply(self, data: T, meta: Mapping[str, Any] | None = None) -> Response[Reply[T]]:
        """200 with ``data``, or 304 if the caller has it already."""
        encoded = _encode(data)
        tag = self._tag(encoded, meta or {})
        if tag in self._known_tags or "*" in self._known_tags:
            return Response(cast(Any, None), status_code=HTTP_304_NOT_MODIFIED, headers={"ETag": f"W/{tag}"})
        content = Reply(msgspec.Raw(encoded), dict(meta or {}))
        return Response(cast(Any, content), headers={"ETag": f"W/{tag}"})

    def analytics(self, data: T, meta: Mapping[str, Any] | None = None) -> Response[Reply[T]]:
        """The same, with how complete the numbers are; that alone does not make a reply a new one."""
        reply = self.reply(data, meta)
        if reply.status_code != HTTP_304_NOT_MODIFIED:
            reply.content.meta.update(
                complete_through=instant(self._seen.complete_through), lag_records=self._seen.lag_records
            )
        return reply

    def _tag(self, encoded: bytes, meta: Mapping[str, Any]) -> str:
        digest = blake2b(self._seen.generation.name.encode(), digest_size=12)
        digest.update(_encode(meta))
        digest.update(encoded)
        return f'"{digest.hexdigest()}"'


async def provide_reading(
    request: Request[Any, Any, Any],
    reader: NamedDependency[SkipValidation[Reader]],
    freshness: NamedDependency[Freshness],
) -> Reading:
    """Wait for what the caller wants to see, and note what is visible, before anything is asked."""
    positions = positions_of(request.headers.getall(WAIT_HEADER, []))
    seen = await (freshness.when_visible(positions) if positions else freshness.snapshot())
    remember_complete_through(request.scope, instant(seen.complete_through))
    return Reading(reader, seen, request.headers.get("If-None-Match", ""))


def only(rows: Sequence[T]) -> T:
    """The one row of a question that always has one."""
    (row,) = rows
    return row
