"""Synthetic series for the unit tests of the alerts: a healthy installation, and the changes of each case.

Values are in promtool's notation: ``5+1x3`` is 5 6 7 8, ``_x2`` means two scrapes without a sample. Each function makes
the values for a whole run of ``STEPS`` scrapes.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

STEP_S = 30
STEPS = 80  # 40 minutes
LEVELS = ("0.01", "0.1", "1.0", "2.0", "2.5", "5.0", "+Inf")  # bounds of buckets, in seconds

Series = dict[str, str | None]  # None: the series is removed


class Case(NamedTuple):
    """``changes`` replace series of a healthy installation; then exactly the alerts in ``fires`` fire, by minute."""

    name: str
    changes: Series
    fires: Mapping[int, set[str]]


def steady(value: float) -> str:
    """Return a constant series."""
    return f"{value:g}x{STEPS}"


def rising(by: float, start: float = 0) -> str:
    """Return a counter that grows by ``by`` per scrape."""
    return f"{start:g}+{by:g}x{STEPS}"


def then(*parts: str) -> str:
    """Return the parts one after the other."""
    return " ".join(parts)


def series(name: str, **labels: str) -> str:
    """Return the name of a series."""
    matchers = ",".join(f'{label}="{value}"' for label, value in labels.items())
    return f"{name}{{{matchers}}}"


INGEST = {"job": "crewkit-ingest", "instance": "i1"}
QUERY = {"job": "crewkit-query-api", "instance": "q1"}
AUDIT = {"job": "crewkit-audit", "instance": "a1"}
KEEPER = {"job": "crewkit-keeper", "instance": "k1"}


def projector(instance: str, generation: str = "g1") -> dict[str, str]:
    """Return the labels of a projector."""
    return {"job": "crewkit-processors", "instance": instance, "generation": generation}


def of_projector(instance: str, partitions: tuple[int, ...], generation: str = "g1", *, is_live: bool = True) -> Series:
    """Return the series of a healthy projector that follows these partitions."""
    own = projector(instance, generation)
    made: Series = {
        series("crewkit_projector_log_partitions", **own): steady(4),
        series("crewkit_projector_assigned_partitions", **own): steady(len(partitions)),
        series("crewkit_projector_generation_live", **own): steady(int(is_live)),
        series("crewkit_projector_generation_paused", **own): steady(0),
        series("crewkit_projector_table_parts", **own, table="facts"): steady(40),
        series("crewkit_projector_erasure_uncertified_seconds", **own): steady(3 * 86_400),
        series("crewkit_projector_erased_found_partitions", **own): steady(0),
    }
    for target in ("store", "log"):
        made[series("crewkit_projector_target_up", **own, target=target)] = steady(1)
    for reason in ("empty", "unreadable"):
        made[series("crewkit_projector_dead_letters_total", **own, reason=reason)] = steady(0)
    for partition in map(str, partitions):
        made[series("crewkit_projector_lag_records", **own, partition=partition)] = steady(3)
        made[series("crewkit_projector_lag_seconds", **own, partition=partition)] = steady(0.5)
        made[series("crewkit_projector_unmoved_seconds", **own, partition=partition)] = steady(0)
    return made


def buckets(name: str, per_step: Mapping[str, float], **labels: str) -> Series:
    """Return the buckets of a histogram; ``per_step`` has the observations per scrape up to each bound."""
    return {series(f"{name}_bucket", **labels, le=level): rising(per_step[level]) for level in LEVELS}


FAST = dict(zip(LEVELS, (90, 100, 100, 100, 100, 100, 100), strict=True))
SLOW = dict(zip(LEVELS, (0, 0, 10, 15, 20, 100, 100), strict=True))  # most take 2.5 to 5 s
SUMMARY, PROGRESS = "query_api.analytics.summary", "query_api.progress"
ROUTE = "/api/v1/{org_id}/sessions"


def requests(status: str, method: str = "POST", route: str = ROUTE) -> str:
    """Return the name of a series of requests."""
    where = INGEST if method != "GET" else QUERY
    return series("crewkit_http_requests_total", **where, method=method, route=route, status=status)


def audits(scope: str, name: str = "runs_total") -> str:
    """Return the name of a series of the audit process."""
    return series(f"crewkit_audit_{name}", **AUDIT, scope=scope)


def healthy() -> Series:
    """Return the series of a healthy installation."""
    made: Series = {}
    for process in (INGEST, QUERY, AUDIT, projector("p0"), projector("p1")):
        who = {label: process[label] for label in ("job", "instance")}
        made[series("up", **who)] = steady(1)
        made[series("crewkit_build_info", **who)] = steady(1)
        made[series("process_start_time_seconds", **who)] = steady(1_000)
    made |= of_projector("p0", (0, 1)) | of_projector("p1", (2, 3))
    made |= {
        requests("201"): rising(3_000),
        requests("404"): rising(30),
        requests("200", "GET"): rising(600),
        series("crewkit_ingest_append_failures_total", **INGEST): steady(0),
        series("crewkit_ingest_producer_replacements_total", **INGEST): steady(0),
        series("crewkit_ingest_in_flight_bytes", **INGEST, of="log"): steady(1e6),
        series("crewkit_ingest_in_flight_bytes", **INGEST, of="bodies"): steady(2e6),
        series("crewkit_ingest_in_flight_bytes_max", **INGEST): steady(64e6),
        series("crewkit_query_slots", **QUERY): steady(5),
        series("crewkit_query_waiting", **QUERY): then(*["0 3"] * (STEPS // 2)),
        series("crewkit_query_duration_seconds_count", **QUERY, question=SUMMARY): rising(100),
        series("crewkit_query_duration_seconds_count", **QUERY, question=PROGRESS): rising(100),
        series("crewkit_credentials_file_broken", **INGEST, file="jwks.json"): steady(0),
        series("crewkit_rate_limit_store_away", **INGEST): steady(0),
        series("crewkit_audit_missing_positions", **AUDIT): steady(0),
        audits("hours", "differences"): steady(0),
        audits("hours"): rising(0.5),
        audits("all"): steady(0),
        audits("hours", "in_progress"): steady(0),
        audits("all", "in_progress"): steady(0),
        # A query-api that runs beside `audit` exposes the same counters, which stay at 0.
        series("crewkit_audit_runs_total", **QUERY, scope="hours"): steady(0),
    }
    made |= buckets("crewkit_ingest_append_duration_seconds", FAST, **INGEST)
    made |= buckets("crewkit_query_duration_seconds", FAST, **QUERY, question=SUMMARY)
    made |= buckets("crewkit_query_duration_seconds", FAST, **QUERY, question=PROGRESS)
    return made


def promtool_test(case: Case, step_s: int = STEP_S) -> dict[str, Any]:
    """Return the case as a test of `promtool test rules`: exactly the named alerts fire."""
    merged = {name: values for name, values in (healthy() | case.changes).items() if values is not None}
    return {
        "name": case.name,
        "interval": f"{step_s}s",
        "input_series": [{"series": name, "values": values} for name, values in merged.items()],
        "promql_expr_test": [
            {
                "expr": 'group by (alertname) (ALERTS{alertstate="firing"})',
                "eval_time": f"{minute}m",
                "exp_samples": [{"labels": f'{{alertname="{name}"}}', "value": 1} for name in sorted(names)],
            }
            for minute, names in case.fires.items()
        ],
    }
