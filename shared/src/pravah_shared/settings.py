"""Settings that every service shares, typed, from the environment (prefix `PRAVAH_`).

A service's own `settings.py` subclasses `Settings`. Production refuses what is only safe on a
developer's machine: see `Settings.refuse_unsafe`.
"""

from pathlib import Path
from typing import Literal, Self, TypeVar

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from pravah_shared.errors import ConfigurationError

DEV_MONGO_URI = "mongodb://127.0.0.1:27017"


class Settings(BaseSettings):
    """Shared settings. Each field's description is its line in docs/operate.md."""

    model_config = SettingsConfigDict(env_prefix="PRAVAH_", extra="ignore", frozen=True)

    environment: Literal["dev", "production"] = Field(
        default="dev", description="production refuses dev keys, the dev issuer and missing secrets"
    )
    host: str = Field(default="127.0.0.1", description="Address that HTTP listens on")
    public_url: str = Field(
        default="http://127.0.0.1:8003", description="Base of verify links printed on certificates"
    )

    state_dir: Path = Field(
        default_factory=lambda: Path.home() / ".local" / "state" / "pravah",
        description="Where a developer's machine keeps its keys; default ~/.local/state/pravah",
    )

    kafka_bootstrap: str = Field(default="127.0.0.1:9092", description="Kafka bootstrap servers")
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        default="PLAINTEXT", description="How to reach Kafka"
    )
    kafka_security_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        default="SCRAM-SHA-512", description="SASL mechanism"
    )
    kafka_security_username: str = Field(default="", description="SASL user")
    kafka_security_password: SecretStr = Field(default=SecretStr(""), description="SASL password")
    kafka_security_ca_file: Path | None = Field(default=None, description="CA of the brokers")
    topic_prefix: str = Field(default="learning.", description="Prefix of every topic")
    group_prefix: str = Field(default="pravah-", description="Prefix of consumer groups")
    group_instance_id: str = Field(
        default="", description="Static group member (a StatefulSet's pod name); empty: none"
    )
    partitions: int = Field(default=4, ge=1, description="Partitions of learner topics; fixed")
    replication_factor: int = Field(default=1, ge=1, description="Replicas of every topic")

    mongo_uri: str = Field(default=DEV_MONGO_URI, description="MongoDB URI; production needs one")
    mongo_database: str = Field(default="", description="Database; default pravah_<service>")
    key_store_uri: str = Field(
        default="", description="Key store's MongoDB; default PRAVAH_MONGO_URI"
    )
    key_store_database: str = Field(default="pravah_keys", description="Key store's database")
    key_encryption_key_file: Path | None = Field(
        default=None, description="File with the 32-byte key that wraps learners' keys"
    )

    oidc_issuer: str = Field(default="http://127.0.0.1:8000", description="Token issuer (iss)")
    oidc_jwks_url: str = Field(default="", description="Issuer's JWKS; default <issuer>/jwks.json")
    oidc_audience: str = Field(default="pravah", description="Audience (aud) tokens must carry")
    oidc_claim_learner: str = Field(default="sub", description="Claim with the learner id")
    oidc_claim_roles: str = Field(default="roles", description="Claim with the roles; dotted path")
    oidc_claim_mdo: str = Field(default="mdo_id", description="Claim with the MDO")

    log_format: Literal["json", "console"] = Field(default="json", description="Log lines' form")
    batch_records: int = Field(default=1000, ge=1, description="Most records handled together")
    stop_grace_seconds: float = Field(
        default=15, gt=0, description="Seconds a batch in hand gets when the process is stopped"
    )
    sweep_seconds: float = Field(default=60, gt=0, description="Seconds between sweeps")
    failpoints_file: Path | None = Field(
        default=None, description="Orders of fault tests to streams; production refuses it"
    )

    @property
    def _sasl(self) -> bool:
        return self.kafka_security_protocol.startswith("SASL")

    @model_validator(mode="after")
    def refuse_unsafe(self) -> Self:
        """Refuse to start in production with what is only safe on a developer's machine."""
        if self.environment == "production":
            problems = [
                (not self.oidc_issuer.startswith("https://"), "PRAVAH_OIDC_ISSUER must be https"),
                (
                    bool(self.oidc_jwks_url) and not self.oidc_jwks_url.startswith("https://"),
                    "PRAVAH_OIDC_JWKS_URL must be https",
                ),
                (not self.public_url.startswith("https://"), "PRAVAH_PUBLIC_URL must be https"),
                (
                    self.key_encryption_key_file is None,
                    "PRAVAH_KEY_ENCRYPTION_KEY_FILE must name the mounted key",
                ),
                (self.mongo_uri == DEV_MONGO_URI, "PRAVAH_MONGO_URI must name the store"),
                (
                    self.failpoints_file is not None,
                    "PRAVAH_FAILPOINTS_FILE must not be set: it lets a file end the process",
                ),
                (
                    self.kafka_security_protocol == "PLAINTEXT",
                    "PRAVAH_KAFKA_SECURITY_PROTOCOL must not be PLAINTEXT",
                ),
                (
                    self._sasl and not self.kafka_security_username,
                    "PRAVAH_KAFKA_SECURITY_USERNAME must be set with SASL",
                ),
                (
                    self._sasl and not self.kafka_security_password.get_secret_value(),
                    "PRAVAH_KAFKA_SECURITY_PASSWORD must be set with SASL",
                ),
                (
                    self.kafka_security_protocol == "SASL_PLAINTEXT"
                    and self.kafka_security_mechanism == "PLAIN",
                    "PRAVAH_KAFKA_SECURITY_MECHANISM PLAIN shows the password; use SASL_SSL",
                ),
            ]
            if said := [text for unsafe, text in problems if unsafe]:
                raise ValueError("; ".join(said))
        return self


S = TypeVar("S", bound=Settings)


def load(model: type[S]) -> S:
    """Read settings from the environment.

    Raises:
        ConfigurationError: names each setting that is wrong and what is wrong with it.
    """
    try:
        return model()
    except ValidationError as error:
        lines = [
            f"PRAVAH_{'_'.join(map(str, item['loc'])).upper()}: {item['msg']}"
            if item["loc"]
            else item["msg"]
            for item in error.errors()
        ]
        raise ConfigurationError("; ".join(lines)) from error
