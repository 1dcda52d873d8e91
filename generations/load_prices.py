"""Loads prices on request. As with creating generations, this needs a store user that may change the control database.

`up` does it by itself, and the supervisor of `stack` runs `provision` to do it. Elsewhere an operator runs `provision`.
"""

from msgspec import to_builtins

from generations.create_and_drop import this_process
from generations.jobs.table import Job, Report, add_job_event, report_of
from ingest.log.broken import BrokenLog
from prices.log import PriceLog, load
from prices.price_file import BadPrices, parse_prices
from prices.shown import shown
from prices.table import TooEarly
from schemas.log.position import LogUnavailable
from schemas.log.records import Actor
from store.connect import Client


def load_requested(client: Client, log: PriceLog | None, job: Job) -> list[str]:
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
