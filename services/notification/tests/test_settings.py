"""Production refuses to mail in clear, as nobody, or as a user without a password."""

from pathlib import Path
from typing import Any

import pytest

from pravah_notification.settings import NotificationSettings

SAFE: dict[str, Any] = {
    "environment": "production",
    "oidc_issuer": "https://idp.example",
    "public_url": "https://learn.example",
    "key_encryption_key_file": Path("/run/secrets/kek"),
    "mongo_uri": "mongodb://store.example",
    "kafka_security_protocol": "SSL",
    "smtp_security": "starttls",
    "smtp_username": "pravah",
    "smtp_password": "a secret",
    "mail_from_address": "learning@karmayogi.example",
}


def test_a_safe_production_starts() -> None:
    """With AUTH, and without it: then there is no password to miss."""
    assert NotificationSettings(**SAFE)
    assert NotificationSettings(**{**SAFE, "smtp_username": "", "smtp_password": ""})


@pytest.mark.parametrize(
    ("unsafe", "setting"),
    [
        ({"smtp_security": "none"}, "PRAVAH_SMTP_SECURITY"),
        ({"smtp_password": ""}, "PRAVAH_SMTP_PASSWORD"),
        ({"mail_from_address": "no-reply@pravah.example"}, "PRAVAH_MAIL_FROM_ADDRESS"),
    ],
)
def test_production_refuses_what_is_unsafe(unsafe: dict[str, Any], setting: str) -> None:
    """The message names the setting."""
    with pytest.raises(ValueError, match=setting):
        NotificationSettings(**{**SAFE, **unsafe})
