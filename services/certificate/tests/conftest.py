"""Fixtures of this service's tests."""

from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs


@pytest.fixture(autouse=True, scope="session")
def quiet() -> Iterator[None]:
    """Keep thousands of log lines of generated histories out of the report."""
    with capture_logs():
        yield
