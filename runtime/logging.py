"""Configure structured logs, one JSON object a line, to standard error or to a file."""

import logging
import sys
from pathlib import Path

import structlog

from runtime.best_effort_stream import best_effort_stream
from runtime.private_files import private_folder


def configure_logging(file: Path | None = None) -> None:
    """Send the logs to ``file``, else to standard error."""
    if file is not None:
        private_folder(file.parent)
    out = best_effort_stream(file or sys.stderr.fileno())
    logging.basicConfig(stream=out, level=logging.WARNING, format='{"level": "%(levelname)s", "event": "%(message)s"}')
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(out),
        cache_logger_on_first_use=True,
    )
