"""Makers of facts that the tests speak about, and fakes of what is outside."""

from collections.abc import AsyncIterator

import pytest
from smtp_double import SmtpDouble


@pytest.fixture
async def smtp() -> AsyncIterator[SmtpDouble]:
    """A real SMTP server on a free port, whose behaviour a test sets."""
    async with SmtpDouble() as server:
        yield server
