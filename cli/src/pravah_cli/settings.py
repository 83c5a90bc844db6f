"""Where the local parts live and on which ports they listen (prefix `PRAVAH_`)."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class LocalSettings(BaseSettings):
    """Settings of a stack on one machine. Each field's description is its line in operate.md."""

    model_config = SettingsConfigDict(env_prefix="PRAVAH_", extra="ignore", frozen=True)

    state_dir: Path = Field(
        default_factory=lambda: Path.home() / ".local" / "state" / "pravah",
        description="Data, logs, keys and process files of this machine's stack; "
        "default ~/.local/state/pravah",
    )
    cache: Path = Field(
        default_factory=lambda: Path.home() / ".cache" / "pravah",
        description="Downloads, shared by all checkouts; default ~/.cache/pravah",
    )
    kafka_port: int = Field(default=9092, description="Local Kafka")
    kafka_controller_port: int = Field(default=9093, description="Local Kafka's KRaft controller")
    mongo_port: int = Field(default=27017, description="Local MongoDB")
    smtp_port: int = Field(default=1025, description="Local mail server, SMTP")
    mail_page_port: int = Field(default=8025, description="Local mail server, page and JSON")
    issuer_port: int = Field(default=8000, description="Dev token issuer")
    operators_port: int = Field(default=8080, description="Operators' page")
