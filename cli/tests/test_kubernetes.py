"""What docs/operate.md asks an operator to provide is what deploy/k8s/base starts with."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from pravah_cli.papers.settings_table import SERVICES, settings_of

ROOT = Path(__file__).parents[2]
BASE = ROOT / "deploy" / "k8s" / "base"
PLAUSIBLE = {
    "PRAVAH_MONGO_URI": "mongodb://service:secret@store.example/?replicaSet=rs0",
    "PRAVAH_SMTP_PORT": "587",
    "PRAVAH_SMTP_SECURITY": "starttls",
}
"""Values of keys that are not any text."""


def documented_secrets() -> dict[str, set[str]]:
    """The Secrets of docs/operate.md and their keys."""
    section = (ROOT / "docs" / "operate.md").read_text().partition("## Secrets in Kubernetes")[2]
    rows = re.findall(r"^\| `([\w-]+)` \| (.+) \|$", section.partition("\n## ")[0], re.MULTILINE)
    return {secret: set(re.findall(r"`([\w.-]+)`", keys)) for secret, keys in rows}


def manifests(name: str) -> list[dict[str, Any]]:
    """The documents of a file of the base."""
    return list(yaml.safe_load_all((BASE / name).read_text()))


def shared_settings() -> dict[str, str]:
    """What the ConfigMap sets."""
    (config,) = manifests("config.yaml")
    found: dict[str, str] = config["data"]
    return found


def mounted(service: str) -> set[str]:
    """The Secrets that a service's pods name."""
    text = (BASE / f"{service}.yaml").read_text()
    return set(re.findall(r"(?:secretName|secretRef:\n\s+name): (\S+)", text))


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_starts_with_the_base_and_the_documented_secrets(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Production refuses what is unsafe; nothing that it asks for is left out here."""
    given = {
        key: PLAUSIBLE.get(key, "someone@mail.example")
        for key in documented_secrets()[f"pravah-{service}"]
    }
    for name, text in {**shared_settings(), **given}.items():
        monkeypatch.setenv(name, text)
    for model in settings_of(service):
        settings = model()
        known = {f"PRAVAH_{field}".upper() for field in model.model_fields}
        assert settings.model_dump()["environment"] == "production"
        assert set(given) <= known


def test_every_secret_that_a_pod_names_is_documented() -> None:
    """And none besides."""
    named = set().union(*(mounted(service) for service in SERVICES))
    assert named == set(documented_secrets())


def test_mounted_files_are_where_the_settings_look() -> None:
    """A key's name is the file's name."""
    documented = documented_secrets()
    files = {
        "PRAVAH_KEY_ENCRYPTION_KEY_FILE": "pravah-key-encryption-key",
        "PRAVAH_SIGNING_KEY_FILE": "pravah-signing-key",
        "PRAVAH_CERTIFICATE_NUMBER_FILE": "pravah-signing-key",
    }
    for setting, secret in files.items():
        assert Path(shared_settings()[setting]).name in documented[secret]
    assert documented["pravah-verification-key"] == {"signing.json"}
