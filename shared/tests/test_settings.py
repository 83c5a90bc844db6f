"""Production refuses what is only safe on a developer's machine, and says which setting."""

from pathlib import Path
from typing import Any

import pytest

from pravah_shared.errors import ConfigurationError
from pravah_shared.settings import Settings, load

SAFE: dict[str, Any] = {
    "environment": "production",
    "oidc_issuer": "https://idp.example",
    "public_url": "https://learn.example",
    "key_encryption_key_file": Path("/run/secrets/kek"),
    "mongo_uri": "mongodb://progress:secret@store.example/?replicaSet=rs0",
    "kafka_security_protocol": "SASL_SSL",
    "kafka_security_username": "progress",
    "kafka_security_password": "a secret",
}


def test_a_safe_production_starts() -> None:
    """The refusals below are for their own reason."""
    assert Settings(**SAFE).environment == "production"


@pytest.mark.parametrize(
    ("unsafe", "setting"),
    [
        ({"oidc_issuer": "http://127.0.0.1:8000"}, "PRAVAH_OIDC_ISSUER"),
        ({"oidc_jwks_url": "http://idp.example/keys"}, "PRAVAH_OIDC_JWKS_URL"),
        ({"public_url": "http://learn.example"}, "PRAVAH_PUBLIC_URL"),
        ({"key_encryption_key_file": None}, "PRAVAH_KEY_ENCRYPTION_KEY_FILE"),
        ({"mongo_uri": "mongodb://127.0.0.1:27017"}, "PRAVAH_MONGO_URI"),
        ({"failpoints_file": Path("/tmp/failpoints")}, "PRAVAH_FAILPOINTS_FILE"),
        ({"kafka_security_protocol": "PLAINTEXT"}, "PRAVAH_KAFKA_SECURITY_PROTOCOL"),
        ({"kafka_security_username": ""}, "PRAVAH_KAFKA_SECURITY_USERNAME"),
        ({"kafka_security_password": ""}, "PRAVAH_KAFKA_SECURITY_PASSWORD"),
        (
            {"kafka_security_protocol": "SASL_PLAINTEXT", "kafka_security_mechanism": "PLAIN"},
            "PRAVAH_KAFKA_SECURITY_MECHANISM",
        ),
    ],
)
def test_production_refuses_what_is_unsafe(unsafe: dict[str, Any], setting: str) -> None:
    """Keys over plain HTTP could be anybody's; the message names the setting."""
    with pytest.raises(ValueError, match=setting):
        Settings(**{**SAFE, **unsafe})


def test_certificates_of_clients_need_no_password() -> None:
    """With SSL alone there is no user."""
    nobody = {"kafka_security_username": "", "kafka_security_password": ""}
    assert Settings(**{**SAFE, **nobody, "kafka_security_protocol": "SSL"})


def test_a_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """An operator reads the variable's own name."""
    monkeypatch.setenv("PRAVAH_PARTITIONS", "many")
    with pytest.raises(ConfigurationError, match="PRAVAH_PARTITIONS"):
        load(Settings)
