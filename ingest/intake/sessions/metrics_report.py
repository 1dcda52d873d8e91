"""A report of running totals: numbers at the top or numbers by model, never both; money becomes nano-dollars."""

from ingest.intake.context import Invalid
from ingest.intake.times import checked_ms
from schemas.http.requests import ReportMetrics, ReportModel
from schemas.log.records import MetricsReport, ModelUsage
from schemas.money import nano_of

FIELD = "model_metrics"


def to_report(body: ReportMetrics, now: int) -> MetricsReport:
    """Return the report as the log stores it.

    Raises `Invalid` for both kinds of numbers, neither, a model named twice, or a time out of range.
    """
    reported_at = checked_ms(body.reported_at, f"{FIELD}.reported_at", now)
    if body.models is None:
        if not _has_numbers(body):
            raise Invalid(FIELD, "must have numbers, or models with their numbers")
        return MetricsReport((_usage(body),), reported_at)
    _check_models(body, body.models)
    return MetricsReport(tuple(_usage(model) for model in body.models), reported_at)


def _check_models(body: ReportMetrics, models: list[ReportModel]) -> None:
    if _has_numbers(body):
        raise Invalid(FIELD, "must have either numbers or models, not both")
    names: set[str] = set()
    for index, model in enumerate(models):
        if model.model in names:
            raise Invalid(f"{FIELD}.models[{index}].model", "is named twice")
        names.add(model.model)


def _has_numbers(body: ReportMetrics) -> bool:
    counts = (body.input_tokens, body.output_tokens, body.cache_read_tokens, body.cache_creation_tokens)
    others = (body.cache_creation_1h_tokens, body.cost_usd, body.model)
    return any(value is not None for value in (*counts, *others))


def _usage(body: ReportMetrics | ReportModel) -> ModelUsage:
    return ModelUsage(
        model=body.model,
        input_tokens=body.input_tokens or 0,
        output_tokens=body.output_tokens or 0,
        cache_read_tokens=body.cache_read_tokens or 0,
        cache_creation_tokens=body.cache_creation_tokens or 0,
        cache_creation_1h_tokens=body.cache_creation_1h_tokens or 0,
        cost_nano=None if body.cost_usd is None else nano_of(body.cost_usd),
    )
