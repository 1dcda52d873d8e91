"""The shipped alerts over synthetic series, evaluated by promtool: each fires on its cause, and nothing else fires."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from edge.metrics import SECONDS
from query_api import metrics as query_metrics
from tests.support.alerts import ALERTS, OF_DEPENDENCIES, rules_of
from tests.support.rigs.prometheus import need
from tests.unit.alert_series import (
    AUDIT,
    INGEST,
    KEEPER,
    PROGRESS,
    QUERY,
    SLOW,
    STEPS,
    SUMMARY,
    Case,
    audits,
    buckets,
    of_projector,
    projector,
    promtool_test,
    requests,
    rising,
    series,
    steady,
    then,
)

P0, P1 = projector("p0"), projector("p1")
NOTHING: set[str] = set()
GONE = "_x5"  # for two and a half minutes, like a rolling restart


HISTOGRAMS = {
    "crewkit_ingest_append_duration_seconds": SECONDS,
    "crewkit_query_duration_seconds": query_metrics._SECONDS,
}


def test_the_bound_of_a_quantile_is_one_of_a_bucket() -> None:
    """A quantile inside a bucket is a guess: with a bucket from 1 to 2.5 s, appends of 1.1 s would look like 2.4 s."""
    pattern = re.compile(r"histogram_quantile\(.*?(\w+)_bucket.*?\)\s*> ([\d.]+)", re.DOTALL)
    found = [match.groups() for rule in rules_of(ALERTS) for match in pattern.finditer(rule["expr"])]

    assert {name for name, _ in found} == HISTOGRAMS.keys()
    assert [(name, bound) for name, bound in found if float(bound) not in HISTOGRAMS[name]] == []


def lag(of: dict[str, str], name: str, partition: str) -> str:
    return series(f"crewkit_projector_{name}", **of, partition=partition)


def away(of: dict[str, str], target: str) -> str:
    return series("crewkit_projector_target_up", **of, target=target)


def dead(of: dict[str, str], reason: str) -> str:
    return series("crewkit_projector_dead_letters_total", **of, reason=reason)


def restarted(at: int, before: float, after: float) -> str:
    """Return a series that pauses for a restart."""
    return then(f"{before:g}x{at}", GONE, f"{after:g}x{STEPS - at}")


NORMAL = [
    Case("all is well", {}, dict.fromkeys((1, 5, 20, 39), NOTHING)),
    Case(
        "a rolling restart of a projector and of ingest",
        {
            series("crewkit_projector_assigned_partitions", **P0): restarted(20, 2, 2),
            series("crewkit_projector_generation_live", **P0): then("1x20", GONE, "0", "1x60"),
            series("crewkit_projector_lag_records", **P0, partition="0"): then("3x20", GONE, "900 400", "3x60"),
            series("crewkit_projector_lag_seconds", **P0, partition="0"): then("0.5x20", GONE, "_ _", "0.5x60"),
            series("up", job="crewkit-processors", instance="p0"): then("1x20", "0x5", "1x60"),
            series("process_start_time_seconds", job="crewkit-processors", instance="p0"): restarted(20, 1_000, 2_000),
            dead(P0, "unreadable"): restarted(20, 7, 0),  # a counter that resets
            requests("201"): then("0+3000x20", GONE, "0+3000x60"),
            requests("503"): then("4x20", GONE, "0x60"),
            series("crewkit_ingest_append_failures_total", **INGEST): restarted(20, 9, 0),
            series("crewkit_ingest_producer_replacements_total", **INGEST): restarted(20, 9, 0),
        },
        dict.fromkeys((8, 11, 13, 18, 39), NOTHING),
    ),
    Case(
        "a restart of the audit",
        {
            audits("hours"): then("0+0.5x20", GONE, "0+0.5x60"),
            series("crewkit_audit_missing_positions", **AUDIT): restarted(20, 0, 0),
        },
        dict.fromkeys((11, 13, 18, 39), NOTHING),
    ),
    Case(
        "a generation that is filled: far behind, half followed, with the dead letters of the whole log",
        of_projector("f0", (0, 1), "g2", is_live=False)
        | {
            **{lag(projector("f0", "g2"), "lag_records", partition): "900000-9000x80" for partition in ("0", "1")},
            **{lag(projector("f0", "g2"), "lag_seconds", partition): None for partition in ("0", "1")},
            lag(projector("f0", "g2"), "unmoved_seconds", "0"): rising(30),
            dead(projector("f0", "g2"), "unreadable"): rising(2),
        },
        dict.fromkeys((5, 20, 39), NOTHING),
    ),
    Case(
        "a switch to a generation that was filled, and the end of the old projectors",
        of_projector("f0", (0, 1, 2, 3), "g2")
        | {
            series("crewkit_projector_generation_live", **projector("f0", "g2")): then("0x20", "1x60"),
            series("crewkit_projector_generation_live", **P0): then("1x21", "0x10", "stale"),
            series("crewkit_projector_generation_live", **P1): then("1x21", "0x10", "stale"),
            series("crewkit_projector_assigned_partitions", **P0): then("2x31", "stale"),
            series("crewkit_projector_assigned_partitions", **P1): then("2x31", "stale"),
        },
        dict.fromkeys((11, 16, 30), NOTHING),
    ),
    Case(
        "a paused generation that readers do not use",
        of_projector("f0", (0, 1, 2, 3), "g2", is_live=False)
        | {
            series("crewkit_projector_generation_paused", **projector("f0", "g2")): steady(1),
            lag(projector("f0", "g2"), "lag_seconds", "0"): rising(30),
            lag(projector("f0", "g2"), "unmoved_seconds", "0"): rising(30),
        },
        dict.fromkeys((20, 39), NOTHING),
    ),
    Case(
        "load: some refusals, a broker that restarts, a busy store, dead letters of long ago",
        {
            requests("503"): rising(20),  # of 3,000: fewer than one in a hundred
            series("crewkit_ingest_append_failures_total", **INGEST): then("0x20", "3x60"),
            series("crewkit_ingest_producer_replacements_total", **INGEST): then("0x20", "1x60"),
            lag(P0, "lag_seconds", "0"): then("0.5x20", "0+30x7", "0.5x60"),
            lag(P0, "unmoved_seconds", "0"): then("0x20", "0+30x4", "0x60"),
            away(P0, "store"): then("1x20", "0x4", "1x60"),
            dead(P0, "unreadable"): steady(40),
            series("crewkit_projector_table_parts", **P0, table="facts"): then("40x20", "700x20", "40x60"),
        },
        dict.fromkeys((11, 12, 14, 16, 19, 25, 39), NOTHING),
    ),
    Case(
        "operators' jobs find no store: they are not writes to the log, and another alert says that the store is away",
        {requests("503", route=f"/api/v1/operator/{name}"): rising(300) for name in ("jobs", "requests")},
        dict.fromkeys((8, 39), NOTHING),
    ),
    Case(
        "a night: the audit of everything takes half an hour",
        {audits("hours"): then("0+0.5x10", "5x70"), audits("all", "in_progress"): then("0x10", "1x70")},
        dict.fromkeys((25, 39), NOTHING),
    ),
    Case(
        "a process with few reads, one of which was slow",
        buckets("crewkit_query_duration_seconds", dict.fromkeys(SLOW, 0.0) | {"+Inf": 0.1}, **QUERY, question=SUMMARY)
        | {series("crewkit_query_duration_seconds_count", **QUERY, question=SUMMARY): rising(0.1)},
        {39: NOTHING},
    ),
]
FAULTS = [
    Case("one write in ten is refused", {requests("503"): rising(300)}, {4: NOTHING, 8: {"CrewkitWritesFail"}}),
    Case(
        "refusals begin when the first of their kind occurs",
        {requests("503"): then("_x20", "5+300x60")},
        {10: NOTHING, 18: {"CrewkitWritesFail"}},
    ),
    Case(
        "appends fail, and the counter begins again in between",
        {series("crewkit_ingest_append_failures_total", **INGEST): then("0+2x10", "0+2x70")},
        {3: NOTHING, 8: {"CrewkitAppendsFail"}, 20: {"CrewkitAppendsFail"}},
    ),
    Case(
        "the log is slow",
        buckets("crewkit_ingest_append_duration_seconds", SLOW, **INGEST),
        {9: NOTHING, 15: {"CrewkitAppendsSlow"}},
    ),
    Case(
        "bytes wait for the log",
        {series("crewkit_ingest_in_flight_bytes", **INGEST, of="log"): steady(60e6)},
        {4: NOTHING, 8: {"CrewkitIngestNearBudget"}},
    ),
    Case(
        "the connection to the log breaks again and again",
        {series("crewkit_ingest_producer_replacements_total", **INGEST): rising(0.5)},
        {2: NOTHING, 20: {"CrewkitProducerReplaced"}},
    ),
    Case(
        "a projector is gone, and its partitions are not taken over",
        {series("crewkit_projector_assigned_partitions", **P1): then("2x20", "stale")},
        {12: NOTHING, 15: {"CrewkitPartitionWithoutOwner"}},
    ),
    Case(
        "every projector of the live generation is gone, while another is filled",
        of_projector("f0", (0, 1, 2, 3), "g2", is_live=False)
        | {
            series(f"crewkit_projector_{name}", **of): then(f"{value}x20", "stale")
            for of in (P0, P1)
            for name, value in (("assigned_partitions", 2), ("generation_live", 1))
        },
        {12: NOTHING, 15: {"CrewkitProcessMissing"}},
    ),
    Case(
        "a partition is behind, and catches up",
        {lag(P0, "lag_seconds", "1"): then("0.5x10", "0+30x30", "0.5x40")},
        {8: NOTHING, 15: {"CrewkitProjectionBehind"}, 25: NOTHING},
    ),
    Case(
        "a projector was restarted behind: it has not seen the end of the log",
        {lag(P0, "lag_seconds", "1"): None, lag(P0, "lag_records", "1"): steady(90_000)},
        {4: NOTHING, 8: {"CrewkitProjectionBehind"}},
    ),
    Case(
        "a partition does not move although store and log respond",
        {lag(P0, "unmoved_seconds", "1"): rising(30)},
        {4: NOTHING, 9: {"CrewkitPartitionStuck"}},
    ),
    Case(
        "the store is away: its alert fires, not the one on stuck partitions",
        {away(P0, "store"): steady(0), lag(P0, "unmoved_seconds", "1"): rising(30)},
        {2: NOTHING, 9: {"CrewkitProjectorTargetAway"}},
    ),
    Case("the log is away", {away(P1, "log"): steady(0)}, {2: NOTHING, 5: {"CrewkitProjectorTargetAway"}}),
    Case(
        "one record can't be projected",
        {dead(P0, "unreadable"): then("0x20", "1x60")},
        {9: NOTHING, 11: {"CrewkitDeadLetters"}, 39: {"CrewkitDeadLetters"}},
    ),
    Case(
        "a watchdog ends a projector three times in an hour",
        {
            series("process_start_time_seconds", job="crewkit-processors", instance="p0"): then(
                "1000x10", GONE, "1300x10", GONE, "1600x10", GONE, "1900x40"
            )
        },
        {14: NOTHING, 26: {"CrewkitProcessRestarts"}},
    ),
    Case(
        "parts pile up",
        {series("crewkit_projector_table_parts", **P0, table="facts"): steady(800)},
        {14: NOTHING, 16: {"CrewkitStoreParts"}},
    ),
    Case("reads fail", {requests("503", "GET"): rising(60)}, {4: NOTHING, 8: {"CrewkitReadsFail"}}),
    Case(
        "one question is slow among many fast ones",
        buckets("crewkit_query_duration_seconds", SLOW, **QUERY, question=SUMMARY),
        {9: NOTHING, 15: {"CrewkitReadsSlow"}},
    ),
    Case(
        "what each read asks anyway is slow: that alone is no alert",
        buckets("crewkit_query_duration_seconds", SLOW, **QUERY, question=PROGRESS),
        {39: NOTHING},
    ),
    Case(
        "questions always wait",
        {series("crewkit_query_waiting", **QUERY): steady(2)},
        {4: NOTHING, 6: {"CrewkitReadsQueue"}},
    ),
    Case(
        "a receipt is missing",
        {series("crewkit_audit_missing_positions", **AUDIT): then("0x10", "1x70")},
        {14: NOTHING, 16: {"CrewkitNumbersWrong"}},
    ),
    Case(
        "the audit of the night found a difference",
        {audits("all", "differences"): then("_x10", "2x70")},
        {14: NOTHING, 16: {"CrewkitNumbersWrong"}},
    ),
    Case("the audit never ran", {audits("hours"): steady(0)}, {4: NOTHING, 6: {"CrewkitAuditSilent"}}),
    Case(
        "the audit stopped",
        {audits("hours"): then("0+0.5x20", "10x60")},
        {24: NOTHING, 31: {"CrewkitAuditSilent"}},
    ),
    Case(
        "nothing audits",
        {
            audits("hours"): None,
            audits("all"): None,
            series("crewkit_audit_runs_total", **QUERY, scope="hours"): None,
        },
        {4: NOTHING, 6: {"CrewkitAuditSilent"}},
    ),
    Case(
        "no ingest can be scraped",
        {series("crewkit_ingest_append_failures_total", **INGEST): then("0x20", "stale")},
        {12: NOTHING, 14: {"CrewkitProcessMissing"}},
    ),
    Case(
        "no query-api can be scraped",
        {series("crewkit_query_slots", **QUERY): then("5x20", "stale")},
        {12: NOTHING, 14: {"CrewkitProcessMissing"}},
    ),
    Case(
        "a process hangs",
        {series("up", job="crewkit-processors", instance="p0"): then("1x20", "0x60")},
        {14: NOTHING, 16: {"CrewkitProcessDown"}},
    ),
    Case(
        "the job has a prefix",
        {series("up", job="monitoring/crewkit-ingest", instance="x"): steady(0)},
        {4: NOTHING, 6: {"CrewkitProcessDown"}},
    ),
    Case("another program is down", {series("up", job="node", instance="x"): steady(0)}, {39: NOTHING}),
    Case(
        "a file of keys is broken",
        {series("crewkit_credentials_file_broken", **INGEST, file="jwks.json"): steady(1)},
        {4: NOTHING, 6: {"CrewkitCredentialsFileBroken"}},
    ),
    Case(
        "the shared counter of requests is away",
        {series("crewkit_rate_limit_store_away", **INGEST): steady(1)},
        {4: NOTHING, 6: {"CrewkitRateLimitStoreAway"}},
    ),
    Case(
        "an erasure gets old, then it is certified; one in a generation that is filled does not count",
        {
            series("crewkit_projector_erasure_uncertified_seconds", **P0): then("2159990+30x40", "0x40"),
            series("crewkit_projector_erasure_uncertified_seconds", **projector("f0", "g2")): steady(9e6),
        },
        {14: NOTHING, 17: {"CrewkitErasureOverdue"}, 29: NOTHING},
    ),
    Case(
        "rows of an erased session are back, until a sweep has removed them",
        {series("crewkit_projector_erased_found_partitions", **P0): then("0x10", "1x40", "0x30")},
        {9: NOTHING, 11: {"CrewkitErasedRowsFound"}, 29: NOTHING},
    ),
    Case(
        "the archive can't be written, then it can",
        {series("crewkit_keeper_overdue_seconds", **KEEPER): then("0x10", "30+30x44", "0x24")},
        {19: NOTHING, 22: {"CrewkitArchiveBehind"}, 29: NOTHING},
    ),
    Case(
        "a keeper that can't look, and is then gone",
        {series("crewkit_keeper_last_look_timestamp_seconds", **KEEPER): then("-3000x30")},
        {24: NOTHING, 27: {"CrewkitArchiveBehind"}},
    ),
    Case(
        "a keeper that archives once a day is a little late each time",
        {series("crewkit_keeper_overdue_seconds", **KEEPER): then(*["0x5", "30x1"] * 10)},
        {25: NOTHING, 33: NOTHING},
    ),
]
# Two days, in steps of four minutes: a sample is valid for five.
NIGHTLY, NIGHT_STEP_S, DAY = "CrewkitNightlyAuditSilent", 240, 360
NIGHTS = [
    Case("a night without its audit", {audits("all"): f"0x{2 * DAY}"}, {25 * 60: NOTHING, 27 * 60: {"Nightly"}}),
    Case("an audit each night", {audits("all"): f"0x250 1x{DAY} 2x250"}, {27 * 60: NOTHING, 40 * 60: NOTHING}),
    Case("a restart after it", {audits("all"): f"0x250 1x50 0x{DAY + 60}"}, {30 * 60: NOTHING, 44 * 60: {"Nightly"}}),
]
OF_CLICKHOUSE, OF_KAFKA = {"job": "clickhouse", "instance": "c1"}, {"job": "kafka", "instance": "k1"}
TOPIC = {"topic": "crewkit.sessions.v1", "partition": "0"}
DISK = {"mountpoint": "/var/lib/kafka", "instance": "n1"}
DEPENDENCIES = [
    (
        "ClickHouseDiskNearlyFull",
        {
            series("ClickHouseAsyncMetrics_DiskAvailable_default", **OF_CLICKHOUSE): steady(1),
            series("ClickHouseAsyncMetrics_DiskTotal_default", **OF_CLICKHOUSE): steady(10),
        },
    ),
    (
        "ClickHouseReplicaBehind",
        {series("ClickHouseAsyncMetrics_ReplicasMaxAbsoluteDelay", **OF_CLICKHOUSE): steady(90)},
    ),
    ("ClickHouseReplicaReadOnly", {series("ClickHouseMetrics_ReadonlyReplica", **OF_CLICKHOUSE): steady(1)}),
    (
        "ClickHouseKeeperFails",
        {series("ClickHouseProfileEvents_ZooKeeperHardwareExceptions", **OF_CLICKHOUSE): rising(1)},
    ),
    (
        "ClickHouseTooManyParts",
        {series("ClickHouseAsyncMetrics_MaxPartCountForPartition", **OF_CLICKHOUSE): steady(900)},
    ),
    ("ClickHouseRefusesInserts", {series("ClickHouseProfileEvents_RejectedInserts", **OF_CLICKHOUSE): rising(1)}),
    (
        "KafkaUnderReplicated",
        {series("kafka_topic_partition_under_replicated_partition", **OF_KAFKA, **TOPIC): steady(1)},
    ),
    ("KafkaBelowMinIsr", {series("kafka_topic_partition_in_sync_replica", **OF_KAFKA, **TOPIC): steady(1)}),
    (
        "KafkaDiskNearlyFull",
        {
            series("node_filesystem_avail_bytes", **DISK): steady(1),
            series("node_filesystem_size_bytes", **DISK): steady(10),
        },
    ),
]


FRUGAL = {"GOGC": "off", "GOMAXPROCS": "1"}  # otherwise a third of its work would be garbage collection


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run promtool to its end."""
    command, environment = [need("promtool"), *arguments], os.environ | FRUGAL
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def evaluated(tests: list[dict[str, object]], folder: Path, rules: Path = ALERTS, every_s: int = 30) -> str:
    """Run `promtool test rules`, and return its output about failed tests."""
    file = folder / "alerts_test.yaml"
    file.write_text(json.dumps({"rule_files": [str(rules)], "evaluation_interval": f"{every_s}s", "tests": tests}))
    done = promtool("test", "rules", str(file))
    return "" if done.returncode == 0 else done.stdout + done.stderr


@pytest.mark.parametrize("file", [ALERTS, OF_DEPENDENCIES], ids=lambda file: file.name)
def test_prometheus_accepts_the_rules(file: Path) -> None:
    """Each expression is PromQL, and each template of an annotation can be filled."""
    done = promtool("check", "rules", str(file))

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("case", NORMAL, ids=lambda case: case.name)
def test_nothing_fires_where_nothing_is_wrong(case: Case, tmp_path: Path) -> None:
    """Restarts, counter resets, a generation that is being filled, and ordinary load are not faults."""
    assert evaluated([promtool_test(case)], tmp_path) == ""


@pytest.mark.parametrize("case", FAULTS, ids=lambda case: case.name)
def test_a_fault_fires_its_alert_and_no_other(case: Case, tmp_path: Path) -> None:
    """It does not fire before its time, and then fires."""
    assert evaluated([promtool_test(case)], tmp_path) == ""


@pytest.mark.parametrize("case", NIGHTS, ids=lambda case: case.name)
def test_a_night_without_an_audit_of_everything_is_noticed_in_the_morning(case: Case, tmp_path: Path) -> None:
    """The first 26 hours of an installation do not count, and a restart skips no night."""
    (rule,) = (rule for rule in rules_of(ALERTS) if rule["alert"] == NIGHTLY)  # two days of all rules would take long
    rules = tmp_path / "nightly.yaml"
    rules.write_text(yaml.safe_dump({"groups": [{"name": "nightly", "rules": [rule]}]}))
    made = promtool_test(case, NIGHT_STEP_S)
    made["input_series"] = [one for one in made["input_series"] if one["series"] == audits("all")]
    for asked in made["promql_expr_test"]:
        asked["expr"] = 'group(ALERTS{alertstate="firing"})'
        asked["exp_samples"] = [{"labels": "{}", "value": 1} for _ in asked["exp_samples"]]

    assert evaluated([made], tmp_path, rules, NIGHT_STEP_S) == ""


@pytest.mark.parametrize(("alert", "made"), DEPENDENCIES, ids=[alert for alert, _ in DEPENDENCIES])
def test_alerts_on_clickhouse_and_kafka_fire_on_the_names_of_their_exporters(
    alert: str, made: dict[str, str | None], tmp_path: Path
) -> None:
    """The names are those that the exporters document; no exporter runs here."""
    case = promtool_test(Case(alert, made, {39: {alert}}))
    case["input_series"] = [one for one in case["input_series"] if one["series"] in made]

    assert evaluated([case], tmp_path, OF_DEPENDENCIES) == ""


def test_every_alert_has_a_case_in_which_it_fires() -> None:
    """Otherwise an alert that can never fire would go unnoticed."""
    fires = {name for case in FAULTS for names in case.fires.values() for name in names}

    assert {rule["alert"] for rule in rules_of(ALERTS)} == fires | {NIGHTLY}
    assert {rule["alert"] for rule in rules_of(OF_DEPENDENCIES)} == {alert for alert, _ in DEPENDENCIES}


def test_a_wrong_expectation_fails(tmp_path: Path) -> None:
    """Otherwise the tests above would show nothing."""
    assert "CrewkitWritesFail" in evaluated([promtool_test(Case("no", {}, {8: {"CrewkitWritesFail"}}))], tmp_path)
