"""How clients reach Kafka."""

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.conn import AIOKafkaConnection
from pydantic import SecretStr

from pravah_shared.errors import ConfigurationError
from pravah_shared.kafka.connection import client_options, started
from pravah_shared.kafka.publisher import Publisher
from pravah_shared.settings import Settings


def test_plain_needs_an_address_only() -> None:
    """On a developer's machine nothing else is asked."""
    assert client_options(Settings(kafka_bootstrap="broker:9092")) == {
        "bootstrap_servers": "broker:9092",
        "security_protocol": "PLAINTEXT",
    }


def test_sasl_over_tls_carries_user_and_trust() -> None:
    """Production: a user, a password, and brokers whose names are checked."""
    options = client_options(
        Settings(
            kafka_security_protocol="SASL_SSL",
            kafka_security_username="progress",
            kafka_security_password=SecretStr("secret"),
        )
    )

    assert options["sasl_mechanism"] == "SCRAM-SHA-512"
    assert options["sasl_plain_username"] == "progress"
    assert options["sasl_plain_password"] == "secret"
    assert options["ssl_context"].check_hostname


def test_a_publisher_refuses_at_once() -> None:
    """A process that could never publish ends at its start, and says why."""
    with pytest.raises(ConfigurationError, match="PRAVAH_KAFKA_SECURITY_CA_FILE"):
        Publisher(
            Settings(kafka_security_protocol="SSL", kafka_security_ca_file=Path("/no/such/file")),
            client_id="test",
        )


def test_sasl_without_a_user_is_named() -> None:
    """The message names the setting, not a stack trace from the client."""
    with pytest.raises(ConfigurationError, match="PRAVAH_KAFKA_SECURITY_USERNAME"):
        client_options(Settings(kafka_security_protocol="SASL_PLAINTEXT"))


def test_a_missing_ca_file_is_named(tmp_path: Path) -> None:
    """The same for the brokers' CA."""
    with pytest.raises(ConfigurationError, match="PRAVAH_KAFKA_SECURITY_CA_FILE"):
        client_options(
            Settings(kafka_security_protocol="SSL", kafka_security_ca_file=tmp_path / "no.pem")
        )


@pytest.mark.stack
async def test_a_start_that_is_cancelled_leaves_no_connection(
    test_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever it was: before, between and after its first two requests."""
    made: list[Any] = []
    connect = AIOKafkaConnection.connect

    async def noted(connection: Any) -> Any:
        made.append(connection)
        return await connect(connection)

    monkeypatch.setattr(AIOKafkaConnection, "connect", noted)
    for milliseconds in range(30):
        producer = AIOKafkaProducer(**client_options(test_settings))
        starting = asyncio.create_task(started(producer.start()))
        await asyncio.wait({starting}, timeout=milliseconds / 1000)
        starting.cancel()
        with suppress(asyncio.CancelledError):
            await starting
        await producer.stop()
    assert len(made) > 2
    assert not [connection for connection in made if connection.connected()]
