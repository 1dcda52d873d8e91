"""Rules that schemathesis needs beyond the OpenAPI document; its configuration loads this file as `hooks`."""

import re
from typing import Any

import schemathesis
from schemathesis.specs.openapi.checks import positive_data_acceptance

# A request that fits its schema may still be refused, but only for one of these reasons. Each compares values with one
# another, with the clock, or with ids of the org, which no schema can express. Each is a sentence of a response.
RULES = [
    ("start_date", r"must be at most 800 days before end_date, both included"),
    ("start_date|end_date", r"must be between 1970-01-01 and 2105-12-31"),
    ("end_date", r"must not be before start_date"),
    ("model", r"can only be given for cost and tokens|is not a known parameter"),
    ("cursor", r"must be a next_cursor of this session's events, with the same filters"),
    ("q", r"must .*"),
    ("tz", r"must be the name of a time zone, such as Europe/Berlin"),
    ("parent_id", r"is not a session of this org|is required with a relation"),
    ("run_id", r"is not a run of this org"),
    (r"model_metrics(\.models.*)?", r"must have (either )?numbers.*|is named twice"),
    ("started_at|ended_at|reported_at|model_metrics.reported_at|timestamp", r"must be between 2000-01-01 and .*"),
    ("started_at|ended_at|reported_at|.*_after|.*_before|after|before|model_metrics.reported_at", r"is out of range"),
    (r"record(\..+)?", r"must stay .*|can't be projected: .*"),  # a corrected record keeps the ids of the log
    ("as_of", r"must be .*"),
    ("hooks", r"must have an item, or reports must"),
    ("session_id", r"must have 1 to 400 printable characters"),
    ("generation", r"there is no generation .*|the same is requested already.*|name the generation to .*"),
    ("rate|accept_differences|prices|new_generations_only|generation", r"belongs to .*"),
    ("prices", r".+"),  # a list in TOML
    ("Idempotency-Key", r"must have 1 to 255 printable characters"),  # JSON Schema can't express it
]
_EVENT_RULES = {"timestamp_out_of_range"}
_ITEM_RULES = {
    "invalid_hook": r"(payload\.)?session_id must have 1 to 400 printable characters|.* is out of range",
    "invalid_report": r"session_id must have 1 to 400 printable characters|model_metrics is required unless .*"
    r"|model_metrics\S* (must have|is named|must be between) .*|at must be between .*|.* is out of range",
}
JOBS = ("/api/v1/operator/jobs", "/api/v1/operator/requests")
UNKNOWN = "g_unknown"


@schemathesis.hook
def before_call(_context: Any, case: Any, _kwargs: Any) -> None:
    """Never request a job that pauses, drops or fills a generation: other tests share the installation.

    JSON Schema counts 1.0 as an integer; the API does not, and its page says so. It is sent as 1.
    """
    whole = _without_fractions(case.body)
    if repr(whole) != repr(case.body):  # 1 equals 1.0; a body that is assigned counts as one that fits the schema
        case.body = whole
    if case.operation.path in JOBS and isinstance(case.body, dict) and case.body.get("kind") not in (None, "repair"):
        case.body = {**case.body, "generation": UNKNOWN}
        if case.body["kind"] == "replay":
            case.body["kind"] = "prove"


def _without_fractions(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_fractions(field) for name, field in value.items()}
    if isinstance(value, list):
        return [_without_fractions(item) for item in value]
    is_whole = isinstance(value, float) and value.is_integer() and abs(value) <= 1 << 53
    return int(value) if is_whole else value


@schemathesis.check
def refused_by_a_known_rule(ctx: Any, response: Any, case: Any) -> bool | None:
    """Check `positive_data_acceptance`, except for the refusals listed in `RULES`."""
    if response.status_code == 422 and _follows_rules(response.json()["details"]):
        return None
    return positive_data_acceptance(ctx, response, case)


def _follows_rules(details: dict[str, Any]) -> bool:
    return bool(details) and all(_known(field, fault) for field, faults in details.items() for fault in faults)


def _known(field: str, fault: Any) -> bool:
    if isinstance(fault, dict):
        of_item = _ITEM_RULES.get(fault["code"])
        return fault["code"] in _EVENT_RULES or (of_item is not None and bool(re.fullmatch(of_item, fault["error"])))
    return any(re.fullmatch(name, field) and re.fullmatch(sentence, fault) for name, sentence in RULES)
