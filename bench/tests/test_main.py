"""The command line: what is told when a run breaks off."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, cast

import pytest
from bench import __main__ as command
from bench.results import Fact, Line, WrongOutput


async def _measured(*_: Any) -> list[Line]:
    return [Fact("known by then", "ms", 7.0)]


async def _breaks(*_: Any) -> list[Line]:
    raise WrongOutput("the topic lacks one")


def test_a_late_failure_prints_what_was_measured_and_writes_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Twenty minutes of measuring are not thrown away for the last one."""

    def on_parts(measure: Callable[[Any, Any], Awaitable[Any]], _turns: int) -> Any:
        return asyncio.run(cast("Any", measure(None, None)))

    monkeypatch.setattr(command, "_on_parts", on_parts)
    monkeypatch.setattr(command, "MEASUREMENTS", {"first": _measured, "second": _breaks})
    monkeypatch.setattr(command, "RESULTS", tmp_path / "results.json")
    page = tmp_path / "page.md"
    assert command.main(["--page", str(page)]) == 1
    told = capsys.readouterr()
    assert "known by then" in told.out
    assert "the topic lacks one" in told.err
    assert not any(tmp_path.iterdir())
