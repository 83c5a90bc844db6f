"""Settings of enrollment."""

from pydantic import Field

from pravah_shared.settings import Settings


class EnrollmentSettings(Settings):
    """Settings of enrollment, beside the shared ones."""

    mongo_database: str = Field(default="pravah_enrollment", description="Database of enrollment")
    enrollment_api_port: int = Field(default=8001, description="Port of the API")
    enrollment_stream_port: int = Field(
        default=8011, description="Port of the stream's health and metrics"
    )
    enrollment_relay_port: int = Field(
        default=8021, description="Port of the relay's health and metrics"
    )
    enrollment_relay_shards: int = Field(
        default=1,
        ge=1,
        le=64,
        description="Shards that relays divide among them; stop all relays before changing it",
    )
    enrollment_outbox_grace_seconds: float = Field(
        default=2.0,
        ge=0,
        description="How long the API may take to publish an enrollment before the relay does",
    )
