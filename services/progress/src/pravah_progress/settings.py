"""Settings of progress."""

from pydantic import Field

from pravah_shared.settings import Settings


class ProgressSettings(Settings):
    """Settings of progress, beside the shared ones."""

    mongo_database: str = Field(default="pravah_progress", description="Database of progress")
    progress_api_port: int = Field(default=8002, description="Port of the API")
    progress_stream_port: int = Field(
        default=8012, description="Port of the stream's health and metrics"
    )
    flush_after_seconds: int = Field(
        default=30, ge=1, description="Seconds after which clients are asked to send again"
    )
