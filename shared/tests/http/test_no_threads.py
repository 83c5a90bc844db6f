"""What runs on a request runs on the event loop."""

from collections.abc import Iterator
from importlib.metadata import entry_points
from inspect import isasyncgenfunction, iscoroutinefunction
from typing import Any

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts

from pravah_shared.contracts.openapi import GROUP
from pravah_shared.kafka.table import SERVICES


@pytest.mark.parametrize("service", SERVICES)
def test_no_route_or_dependency_needs_a_thread(service: str) -> None:
    """FastAPI runs a plain `def` in a thread: it costs more than the rest of a small request."""
    (application,) = entry_points(group=GROUP, name=service)
    app = application.load()()
    called = [
        call
        for context in iter_route_contexts(app.routes)
        if isinstance(context.original_route, APIRoute)
        for call in calls(context.dependant)
    ]
    assert called
    assert [call for call in called if not awaits(call)] == []


def calls(dependant: Dependant) -> Iterator[Any]:
    """Yield what FastAPI calls for a route, its dependencies first."""
    for dependency in dependant.dependencies:
        yield from calls(dependency)
    yield dependant.call


def awaits(call: Any) -> bool:
    """Whether FastAPI awaits it, and does not give it to a thread."""
    by_instance = getattr(call, "__call__", None)  # noqa: B004 - what it does, not whether
    return any(
        check(part)
        for check in (iscoroutinefunction, isasyncgenfunction)
        for part in (call, by_instance)
    )
