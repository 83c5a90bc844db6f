"""Structured logs: one JSON object a line (or console text), on standard error.

    log = get_logger()
    log.info("batch.applied", partition=3, first_offset=90, events=412, seconds=0.03)

Every line of a request or batch carries its `trace_id`. Lines of the libraries (uvicorn, aiokafka,
faust) go the same way. What may be personal is taken out by `telemetry.redaction`.
"""

import logging
import sys
from typing import TYPE_CHECKING, Any, cast

import structlog

from pravah_shared.telemetry.redaction import redact_fact
from pravah_shared.telemetry.traces import current_traceparent

if TYPE_CHECKING:
    from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

    from pravah_shared.settings import Settings

QUIET = {
    "httpx": logging.WARNING,  # a line for each request, with its whole URL
    "uvicorn.access": logging.CRITICAL,  # the metrics say it; query strings hold one-time tokens
    "uvicorn.error": logging.WARNING,
    "aiokafka": logging.WARNING,
    "aiokafka.consumer.group_coordinator": logging.INFO,  # rebalances are read during incidents
    "faust": logging.WARNING,
    "mode": logging.WARNING,
}
"""Libraries that say more than an operator reads, and the level from which they are heard."""
OWN_KEYS = frozenset({"event", "level", "timestamp", "logger", "service", "trace_id", "span_id"})


def get_logger() -> "FilteringBoundLogger":
    """Return the logger: `log.info("fixed.name", fact=1)`. May be called at import."""
    return cast("FilteringBoundLogger", structlog.get_logger())


def configure(settings: "Settings", *, service: str | None = None) -> None:
    """Send all log lines of this process to standard error in `settings.log_format`.

    `service` stands in each line. Calling it again replaces the first call's effect.
    """
    shared = _shared_processors(service)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,  # a later configure, and tests, reach every logger
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                guard,
                _renderer(settings.log_format),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    for name, level in QUIET.items():
        logging.getLogger(name).setLevel(level)


def _shared_processors(service: str | None) -> "list[Processor]":
    def add_service(_logger: "WrappedLogger", _method: str, line: "EventDict") -> "EventDict":
        if service:
            line["service"] = service
        return line

    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        add_service,
        add_trace,
        # No `show_locals`: a frame's variables are payloads.
        structlog.processors.format_exc_info,
    ]


def _renderer(log_format: str) -> "Processor":
    if log_format == "console":
        return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    return structlog.processors.JSONRenderer(ensure_ascii=False)


def add_trace(_logger: "WrappedLogger", _method: str, line: "EventDict") -> "EventDict":
    """Put the current trace and span into a line, so that a trace's lines are found by its id."""
    if (traceparent := current_traceparent()) is not None:
        _, line["trace_id"], line["span_id"], _ = traceparent.split("-")
    return line


def guard(_logger: "WrappedLogger", _method: str, line: "EventDict") -> "EventDict":
    """Redact every fact of a line (`telemetry.redaction`). Runs last, on libraries' lines too."""
    redacted: dict[str, Any] = {
        key: fact if key in OWN_KEYS and key != "event" else redact_fact(key, fact)
        for key, fact in line.items()
    }
    return redacted
