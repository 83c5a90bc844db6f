"""How to reach Kafka, for every client that this project builds."""

import asyncio
import ssl
from collections.abc import Coroutine
from typing import Any, Final

from pravah_shared.errors import ConfigurationError
from pravah_shared.settings import Settings

ENDING_SECONDS: Final = 0.5
"""A broker that answers lets a start end within milliseconds; any other is not waited for."""


async def started(start: Coroutine[Any, Any, None]) -> None:
    """Await a client's start. Cancelled, let it come to its end first, for a moment.

    A start that is cancelled between its first two requests loses sight of its connection, which
    then stays open until the garbage collector comes upon it (aiokafka 0.14, `bootstrap`).
    """
    starting = asyncio.ensure_future(start)
    try:
        await asyncio.shield(starting)
    except asyncio.CancelledError:
        await asyncio.wait({starting}, timeout=ENDING_SECONDS)
        if not starting.cancel() and not starting.cancelled():
            starting.exception()  # nobody asks for it any more: no complaint in the log
        raise


def client_options(settings: Settings) -> dict[str, Any]:
    """Return the keyword arguments that aiokafka's producer, consumer and admin have in common.

    Raises:
        ConfigurationError: SASL without a user, or a CA file that cannot be read.
    """
    protocol = settings.kafka_security_protocol
    options: dict[str, Any] = {
        "bootstrap_servers": settings.kafka_bootstrap,
        "security_protocol": protocol,
    }
    if protocol.endswith("SSL"):
        options["ssl_context"] = _ssl_context(settings)
    if protocol.startswith("SASL"):
        if not settings.kafka_security_username:
            raise ConfigurationError(
                f"PRAVAH_KAFKA_SECURITY_USERNAME is empty; {protocol} needs a user"
            )
        options["sasl_mechanism"] = settings.kafka_security_mechanism
        options["sasl_plain_username"] = settings.kafka_security_username
        options["sasl_plain_password"] = settings.kafka_security_password.get_secret_value()
    return options


def _ssl_context(settings: Settings) -> ssl.SSLContext:
    """Trust the given CA alone, else the system's. The brokers' names are always checked."""
    try:
        return ssl.create_default_context(cafile=settings.kafka_security_ca_file)
    except OSError as error:
        raise ConfigurationError(
            f"PRAVAH_KAFKA_SECURITY_CA_FILE {settings.kafka_security_ca_file}: {error}; "
            "name a readable file with PEM certificates"
        ) from error
