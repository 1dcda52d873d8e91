"""The two generations of a proof, each of which answers questions."""

from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple
from uuid import UUID

from msgspec import Struct

from audit.confirm import Pause
from audit.receipts_end import receipts_end
from generations.prove.proof import DifferentRow, Session
from query_api.freshness import PROGRESS
from store.reading.question import NoParams, Question
from store.reading.reader import GenerationReader
from store.sql import cut_to_size


class SessionsOfOrg(Struct, frozen=True):
    org_id: str
    session_ids: list[UUID]


class SessionDayRow(Struct, frozen=True):
    session_id: UUID
    day: str


class WithoutWordsRow(Struct, frozen=True):
    log_partition: int
    until: int


WITHOUT_WORDS = Question("generations.prove.without_words", NoParams, WithoutWordsRow)
SESSION_DAYS = Question("generations.prove.session_days", SessionsOfOrg, SessionDayRow)


class Pair(NamedTuple):
    """The live generation and the proved one, which may be the same; and the pause before a second reading."""

    live: GenerationReader
    proved: GenerationReader
    pause: Pause

    @property
    def each(self) -> list[GenerationReader]:
        return [self.live] if self.is_one else [self.live, self.proved]

    @property
    def is_one(self) -> bool:
        """Whether a generation is only checked against itself."""
        return self.live.name == self.proved.name

    async def settled(self) -> list[int]:
        """Return, by partition, the offset below which all records are in the tables of both."""
        found = []
        for one in self.each:
            # Receipts and progress are the last writes of a batch, and a store may have lost rows of either.
            settled = await receipts_end(one)
            for row in await one.ask(PROGRESS, NoParams()):
                settled[row.log_partition] = max(row.projected, settled.get(row.log_partition, 0))
            found.append(settled)
        partitions = max((partition + 1 for settled in found for partition in settled), default=0)
        return [min(settled.get(partition, 0) for settled in found) for partition in range(partitions)]

    async def words_since(self, partitions: int) -> list[int]:
        """Return, by partition, the offset from which both have the words of all records."""
        found = [0] * partitions
        for one in self.each:
            for row in await one.ask(WITHOUT_WORDS, NoParams()):
                if row.log_partition < partitions:
                    found[row.log_partition] = max(found[row.log_partition], row.until)
        return found

    async def dated(self, rows: Sequence[DifferentRow]) -> list[DifferentRow]:
        """Return the rows; those without a day get the day on which their session started, if one has the session."""
        sessions = {row.session for row in rows if row.day is None and row.session}
        days: dict[Session | None, str] = {}
        for one in self.each:
            for org_id, of_org in groupby(sorted(sessions - days.keys()), itemgetter(0)):
                for some in cut_to_size(UUID(session_id) for _, session_id in of_org):
                    found = await one.ask(SESSION_DAYS, SessionsOfOrg(org_id, some))
                    days |= {(org_id, str(row.session_id)): row.day for row in found}
        return [row._replace(day=row.day or days.get(row.session)) for row in rows]
