"""Parts that the tests stand on."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from ground import Ground
from smtp_double import SmtpDouble

from pravah_cli.testing import SettingsFor
from pravah_notification.settings import NotificationSettings
from pravah_shared.keys import KeyStore, key_database_of, load_or_create_kek
from pravah_shared.mongo import Database


@pytest.fixture
async def smtp() -> AsyncIterator[SmtpDouble]:
    """A real SMTP server on a free port, whose behaviour a test sets."""
    async with SmtpDouble() as server:
        yield server


@pytest.fixture
async def ground(
    settings_for: SettingsFor, smtp: SmtpDouble, state_dir: Path
) -> AsyncIterator[Ground]:
    """The real parts, with an impatient dispatcher that sends to `smtp`."""
    settings = settings_for(
        NotificationSettings,
        smtp_host="127.0.0.1",
        smtp_port=smtp.port,
        smtp_connections=3,
        smtp_timeout_seconds=0.5,
        smtp_hold_seconds=0.05,
        smtp_most_hold_seconds=0.2,
        dispatch_lease_seconds=2.5,
        dispatch_idle_seconds=0.02,
        retry_first_seconds=0.05,
        retry_most_deferrals=3,
        inbox_poll_seconds=0.02,
        inbox_stream_seconds=20,
        state_dir=state_dir,
    )
    async with (
        Database.connect(settings.mongo_uri, settings.mongo_database) as database,
        key_database_of(settings) as key_database,
    ):
        keys = KeyStore(key_database, load_or_create_kek(settings))
        yield await Ground.open(settings, database, keys)
