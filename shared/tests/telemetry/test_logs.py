"""Log lines: one JSON object each, with the trace id, from us and from libraries alike."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from pravah_shared.settings import Settings
from pravah_shared.telemetry import logs, traces


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    """Return what was logged."""
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_a_line_is_json_with_its_facts(capsys: pytest.CaptureFixture[str]) -> None:
    """Name, facts, level, time and service stand as keys."""
    logs.configure(Settings(), service="progress")
    logs.get_logger().info("batch.applied", partition=3, events=412)
    (line,) = lines(capsys)
    assert line["event"] == "batch.applied"
    assert line["events"] == 412
    assert line["level"] == "info"
    assert line["service"] == "progress"
    assert str(line["timestamp"]).endswith("Z")


def test_lines_within_a_span_carry_its_trace_id(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever has a trace id finds its lines."""
    logs.configure(Settings())
    traces.configure("test", Settings())
    with traces.span("work"):
        traceparent = traces.current_traceparent() or ""
        logs.get_logger().info("work.done")
        logging.getLogger("library").warning("also here")
    assert [line["trace_id"] for line in lines(capsys)] == [traceparent.split("-")[1]] * 2


def test_libraries_are_redacted_too(capsys: pytest.CaptureFixture[str]) -> None:
    """A library that logs an exception does not leak what its text quotes."""
    logs.configure(Settings())
    try:
        int("asha@example.org")
    except ValueError:
        logging.getLogger("library").exception("failed for %s", "asha@example.org")
    (line,) = lines(capsys)
    assert "asha" not in json.dumps(line)
    assert "ValueError" in str(line["exception"])


def test_access_lines_are_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    """Metrics count requests; a query string may hold a one-time token."""
    logs.configure(Settings())
    logging.getLogger("uvicorn.access").info('"GET /session?token=abc HTTP/1.1" 200')
    assert lines(capsys) == []


def test_console_lines_are_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    """The console form is text and still redacted."""
    logs.configure(Settings(log_format="console"))
    logs.get_logger().info("mail.refused", reason="asha@example.org unknown")
    text = capsys.readouterr().err
    assert "mail.refused" in text
    assert "asha@" not in text
