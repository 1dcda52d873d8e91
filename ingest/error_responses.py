"""Errors of the write side, and the reaction to each.

::

    ApiError            a 4xx or 503 response to the client
    Invalid             422 with the field, see `reply_to_invalid`
    ValidationError     422 with the field, see `reply_to_wrong_body`
    LogUnavailable      503, the client sends the same request again
    BrokenLog           the process ends: continuing could break a promise, a restart is safe (`ingest.log.broken`)
"""

from typing import Any

import msgspec
from litestar import Request, Response

from edge.error_responses import respond_to_error
from edge.errors import invalid
from edge.validation_messages import explain
from ingest.intake.context import Invalid
from ingest.privacy.redaction import Effort, redact_text_or_all
from ingest.privacy.redaction.effort import A_MOMENT_S
from schemas.http.responses import ErrorBody


def reply_to_invalid(request: Request[Any, Any, Any], error: Invalid) -> Response[ErrorBody]:
    """Return the 422 for a broken rule, redacted: the sentence may quote the record."""
    return respond_to_error(request, invalid({error.field: [_shown(error.sentence)]}))


def reply_to_wrong_body(request: Request[Any, Any, Any], error: msgspec.ValidationError) -> Response[ErrorBody]:
    """Return the 422 that names the field, redacted: the name of an unknown field may be a secret."""
    path, sentence = explain(str(error))
    return respond_to_error(request, invalid({_shown(path): [sentence]}))


def _shown(text: str) -> str:
    """Redact an error's text on the event loop; a text that takes too long is replaced as a whole."""
    return redact_text_or_all(text, Effort(A_MOMENT_S))[0]
