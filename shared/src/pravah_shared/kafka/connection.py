"""How to reach Kafka, for every client that this project builds."""

import ssl
from typing import Any

from pravah_shared.errors import ConfigurationError
from pravah_shared.settings import Settings


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
