"""A report of running totals: numbers at the top or numbers by model, never both; money becomes nano-dollars."""

from ingest.intake.context import Invalid
from ingest.intake.times import checked_ms
from schemas.http.requests import ReportMetrics, ReportModel
from schemas.log.records import MetricsReport, ModelUsage
from schemas.money import nano_of

FIELD = "model_metrics"
_TOKENS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens", "cache_creation_1h_tokens")


def to_report(body: ReportMetrics, now: int) -> MetricsReport:
    """Return the report as the log stores it.

    Raises `Invalid` for both kinds of numbers, neither, a model named twice, or a time out of range.
    """
    reported_at = checked_ms(body.reported_at, f"{FIELD}.reported_at", now)
    has_numbers = any(getattr(body, name) is not None for name in (*_TOKENS, "cost_usd", "model"))
    if body.models is None:
        if not has_numbers:
            raise Invalid(FIELD, "must have numbers, or models with their numbers")
        return MetricsReport((_usage(body),), reported_at)
    if has_numbers:
        raise Invalid(FIELD, "must have either numbers or models, not both")
    names: set[str] = set()
    for index, model in enumerate(body.models):
        if model.model in names:
            raise Invalid(f"{FIELD}.models[{index}].model", "is named twice")
        names.add(model.model)
    return MetricsReport(tuple(_usage(model) for model in body.models), reported_at)


def _usage(body: ReportMetrics | ReportModel) -> ModelUsage:
    cost = None if body.cost_usd is None else nano_of(body.cost_usd)
    return ModelUsage(model=body.model, cost_nano=cost, **{name: getattr(body, name) or 0 for name in _TOKENS})
