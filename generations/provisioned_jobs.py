"""Creates and drops generations, and loads prices, on request.

This needs a store user that may create and drop databases, and change the control database. `up` does it by itself,
and the supervisor of `stack` runs `provision` to do it. Elsewhere an operator runs `provision`.
"""

import os
import socket
from collections.abc import Iterable
from contextlib import closing
from threading import Event

from msgspec import to_builtins

from generations.jobs.rules import refusal_beside
from generations.jobs.table import PROVISIONED, Job, Report, add_job_event, load_jobs, report_of
from ingest.log.broken import BrokenLog
from prices.log import PriceLog, load
from prices.price_file import BadPrices, parse_prices
from prices.price_list import PriceList, newest
from prices.shown import shown
from prices.table import TooEarly, history_of
from processors.fold.fold import FOLD_VERSION
from schemas.log.position import LogUnavailable
from schemas.log.records import Actor
from store.address import StoreAddress
from store.connect import PLAIN, Client, connect
from store.generations import Generation, KnownGeneration, add_generation_event, create_generation, load_generations
from store.migrate import migrate

LEFT_FOR_S = 20.0  # a generation is kept this long after a switch: reads that began before may still be running
STOPS_WITHIN_S = 5.0  # projectors check the generations every two seconds


def left_to_do(generations: Iterable[KnownGeneration], jobs: Iterable[Job]) -> list[Job]:
    """Return the open jobs to create or drop a generation, or to load prices, oldest first."""
    partitions = {known.name: known.made.partitions for known in generations}
    return [
        job
        for job in jobs
        if job.kind in PROVISIONED
        and job.is_open(partitions.get(job.generation, 1))
        and not (job.kind == "replay" and job.generation in partitions)
    ]


def create_or_drop(
    client: Client, store: StoreAddress, job: Job, partitions: int, stopping: Event | None = None
) -> list[str]:
    """Create or drop a generation; return one line for each change. ``client`` is on the control database.

    Once ``stopping`` is set, a drop does not wait for readers but is left for the next start.
    Raises `StoreUnavailable`; the same job can be picked up again.
    """
    if job.kind == "drop":
        return _drop(client, store, job, stopping or Event())
    # Check again: other replays that were accepted at the same moment may come first.
    known, jobs = load_generations(client), load_jobs(client)
    earlier = [other for other in jobs if (other.at_us, other.id) < (job.at_us, job.id)]
    if why := refusal_beside(job.generation, known, earlier):
        add_job_event(client, report_of(job, "failed", this_process(), report=Report(text=why)))
        return [f"not created: {why}"]
    add_job_event(client, report_of(job, "taken", this_process(), partitions=()))
    done = make_generation(client, store, job.generation, partitions)
    return [*done, f"generation {job.generation}, filling"]


def make_generation(client: Client, store: StoreAddress, name: str, partitions: int) -> list[str]:
    """Create the tables, then record the generation: from then on its projectors may start.

    Raises `StoreUnavailable`; creating the same generation can be tried again.
    """
    done = migrate(store, store.database(name), "generation")
    made_with = PriceList(newest(history_of(client))).sha256
    create_generation(client, store, Generation(name, partitions, FOLD_VERSION, made_with))
    return done


def _drop(client: Client, store: StoreAddress, job: Job, stopping: Event) -> list[str]:
    """Record that the generation is dropped, so that its projectors stop, then drop its tables."""
    known = next((known for known in load_generations(client) if known.name == job.generation), None)
    if known is None or known.is_live:
        why = f"{job.generation} is live" if known else f"there is no generation {job.generation}"
        add_job_event(client, report_of(job, "failed", this_process(), report=Report(text=why)))
        return [f"not dropped: {why}"]
    add_job_event(client, report_of(job, "taken", this_process(), partitions=()))
    if not known.is_dropped:
        add_generation_event(client, known.made, "dropped")
    _end_others(client, job, known.made.partitions)
    left_s = LEFT_FOR_S if known.left_us_ago is None else known.left_us_ago / 1e6
    if stopping.wait(max(STOPS_WITHIN_S, LEFT_FOR_S - left_s)):
        return [f"generation {known.name}, to be dropped"]
    name = {"name": store.database(known.name)}
    for server in store.each():
        with closing(connect(PLAIN, **server.at(store.control))) as own:
            own.command("DROP DATABASE IF EXISTS {name:Identifier} SYNC", parameters=name)
    add_job_event(client, report_of(job, "done", this_process()))
    return [f"generation {known.name}, dropped"]


def _end_others(client: Client, drop: Job, partitions: int) -> None:
    """End all other jobs for the generation, since none of its projectors is left to carry them out."""
    report = Report(text=f"{drop.generation} was dropped")
    for job in load_jobs(client):
        if job.generation == drop.generation and job.id != drop.id and job.is_open(partitions):
            add_job_event(client, report_of(job, "failed", this_process(), report=report))


def load_requested_prices(client: Client, log: PriceLog | None, job: Job) -> list[str]:
    """Load the prices of a job, and record the result. ``client`` is on the control database.

    Raises `StoreUnavailable`; the same job can be picked up again.
    """
    add_job_event(client, report_of(job, "taken", this_process(), partitions=()))
    options, by = job.options, Actor(job.by, "operator")
    try:
        prices = parse_prices(options.prices)
        added = load(client, log, prices, by, new_generations_only=options.new_generations_only)
    except (TooEarly, BadPrices, BrokenLog, LogUnavailable) as error:
        add_job_event(client, report_of(job, "failed", this_process(), report=Report(text=str(error))))
        return [f"prices not loaded: {error}"]
    report = Report(result={"added": to_builtins([shown(row) for row in added])})
    add_job_event(client, report_of(job, "done", this_process(), report=report))
    return [f"prices: {len(added)} loaded"]


def this_process() -> str:
    """Return the name of this process in the audit trail."""
    return f"provision on {socket.gethostname()}, process {os.getpid()}"
