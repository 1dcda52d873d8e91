"""What can go wrong on the write side, and what to do about it.

::

    ApiError            the client is told (4xx)
    sealing.Invalid     422 with the field, see `reply_to_invalid`
    ValidationError     422 with the field, see `reply_to_wrong_body`
    LogUnavailable      503, the client sends the same request again
    BrokenLog           the process ends: going on could break a promise, a restart is safe
"""

import os
import sys
from collections.abc import Callable
from typing import Any, NoReturn

import msgspec
from litestar import Request, Response

from edge.error_responses import respond_to_error
from edge.errors import invalid
from edge.validation_messages import explain
from ingest.privacy.redaction import Effort, redact_text_or_all
from ingest.privacy.redaction.effort import A_MOMENT_S
from ingest.sealing.invalid import Invalid
from schemas.http.responses import ErrorBody

EX_CONFIG = 78  # of sysexits.h


class BrokenLog(Exception):
    """The log is not what it has to be; the message says what is wrong and what to do."""


OnBroken = Callable[[BrokenLog], None]


def stop_the_process(error: BrokenLog) -> NoReturn:
    """End at once: nothing that was acknowledged is lost by it, and nothing wrong can be acknowledged after it."""
    sys.stderr.write(f"crewkit-sessions stops: {error}\n")
    sys.stderr.flush()
    os._exit(EX_CONFIG)


def reply_to_invalid(request: Request[Any, Any, Any], error: Invalid) -> Response[ErrorBody]:
    """A broken rule is a 422 with its field; why a record can't be read may quote from it."""
    return respond_to_error(request, invalid({error.field: [_shown(error.sentence)]}))


def reply_to_wrong_body(request: Request[Any, Any, Any], error: msgspec.ValidationError) -> Response[ErrorBody]:
    """A 422 that names the field; where nobody knows the field its name may be anything, a secret too."""
    path, sentence = explain(str(error))
    return respond_to_error(request, invalid({_shown(path): [sentence]}))


def _shown(text: str) -> str:
    """A text of an error, which is made on the event loop: what takes more than a moment is cut as a whole."""
    return redact_text_or_all(text, Effort(A_MOMENT_S))[0]
