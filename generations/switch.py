"""Switches readers to a generation: a row `live` in the table `generations`, which readers look up every half second.

The projector that follows partition 0 of the new generation does this. It first waits until its generation shows
everything that the live one shows, so that no reader sees numbers go back.
"""

import asyncio
import time

from generations.jobs.runner import NotPossible, OnProgress, check_again
from generations.jobs.table import Job
from generations.situation import GenerationStatus
from store.generations import Generation
from store.reading.generations import add_event
from store.reading.reader import Reader

SWITCH_WITHIN_S = 60.0
LOOK_S = 0.2


async def switch_readers(reader: Reader, to: Generation, job: Job, report: OnProgress) -> dict[str, str | None]:
    """Make the generation ``to`` live, once it has caught up with the live one; return both names.

    Raises `NotPossible` if the switch is refused by now, or the generation did not catch up in time.
    """
    situation = await check_again(reader, job)
    live, give_up_at = situation.live, time.monotonic() + SWITCH_WITHIN_S
    while live is not None and (behind := _behind(situation.generations[to.name], live)):
        if time.monotonic() > give_up_at:
            raise NotPossible(f"{to.name} did not catch up with {live.name}: {behind}")
        report(0.0, behind)
        await asyncio.sleep(LOOK_S)
        situation = await check_again(reader, job)  # meanwhile the generation may be dropped or paused
    await add_event(reader, to, "live", job.id)
    return {"from": live.name if live else None, "to": to.name}


def _behind(status: GenerationStatus, live: GenerationStatus) -> str:
    """Return how far a generation is behind what another one showed, or an empty text if it is not behind."""
    ours = {row.log_partition: row for row in status.progress}
    for row in live.progress:
        name = f"partition {row.log_partition}"
        mine = ours.get(row.log_partition)
        if mine is None or mine.projected < row.projected:
            projected = 0 if mine is None else mine.projected
            return f"{name} is at {projected} of {row.projected}"
        if mine.complete_ms < row.complete_ms:
            return f"{name} has not reported the end of the log yet"
        if mine.rolled_up < row.rolled_up or mine.rolled_up_ms < row.rolled_up_ms:
            return f"the rollups of {name} are at {mine.rolled_up} of {row.rolled_up}"
    return ""
