"""Settings of the notification service, beside those that every service shares."""

from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator

from pravah_notification.model import RetryPolicy
from pravah_shared.settings import Settings

DEV_MAIL_FROM = "no-reply@pravah.example"


class NotificationSettings(Settings):
    """Ports, the mail server, the dispatcher's pace. Descriptions stand in docs/operate.md."""

    mongo_database: str = Field(default="pravah_notification", description="Database")
    notification_api_port: int = Field(default=8004, description="Port of the API")
    notification_stream_port: int = Field(default=8014, description="Stream's health and metrics")
    notification_dispatch_port: int = Field(default=8024, description="Dispatch's health, metrics")

    smtp_host: str = Field(default="127.0.0.1", description="Mail server")
    smtp_port: int = Field(default=1025, description="Mail server's port")
    smtp_security: Literal["none", "starttls", "tls"] = Field(
        default="none", description="none only in dev; starttls refuses a server without it"
    )
    smtp_username: str = Field(default="", description="Mail server's user; empty: no AUTH")
    smtp_password: SecretStr = Field(default=SecretStr(""), description="Its password")
    smtp_connections: int = Field(default=8, ge=1, description="Connections of one dispatcher")
    smtp_timeout_seconds: float = Field(default=10, gt=0, description="Wait for one SMTP answer")
    smtp_hold_seconds: float = Field(
        default=1, gt=0, description="First pause of the e-mail channel when its server is away"
    )
    smtp_most_hold_seconds: float = Field(default=30, gt=0, description="Longest such pause")

    mail_from_name: str = Field(default="Pravah", description="Sender's name")
    mail_from_address: str = Field(
        default=DEV_MAIL_FROM,
        description="Sender's address and envelope sender; production needs one",
    )

    dispatch_batch: int = Field(default=200, ge=1, description="Entries leased together")
    dispatch_lease_seconds: float = Field(
        default=120, gt=0, description="How long a dispatcher owns an entry; above 4 x SMTP timeout"
    )
    dispatch_idle_seconds: float = Field(
        default=0.25, gt=0, description="Pause of a dispatcher that found nothing due"
    )
    retry_first_seconds: float = Field(default=30, gt=0, description="First wait after a 4xx")
    retry_most_seconds: float = Field(default=3600, gt=0, description="Longest wait after a 4xx")
    retry_most_deferrals: int = Field(default=64, ge=1, description="4xx answers until dead")

    inbox_poll_seconds: float = Field(
        default=0.3, gt=0, description="Pause between looks for new inbox messages, per process"
    )
    inbox_ping_seconds: int = Field(default=15, ge=1, description="Keep-alive of inbox streams")

    inbox_stream_seconds: float = Field(
        default=900, gt=0, description="Life of an inbox stream; clients resume, authorised anew"
    )

    @property
    def retry_policy(self) -> RetryPolicy:
        """When a failed message is tried again."""
        return RetryPolicy(
            self.retry_first_seconds, self.retry_most_seconds, self.retry_most_deferrals
        )

    @model_validator(mode="after")
    def refuse_what_cannot_hold(self) -> Self:
        """Refuse a lease that ends while a message is on its way."""
        if self.dispatch_lease_seconds <= 4 * self.smtp_timeout_seconds:
            raise ValueError(
                "PRAVAH_DISPATCH_LEASE_SECONDS must be above 4 x PRAVAH_SMTP_TIMEOUT_SECONDS: "
                "a lease that ends in the middle of a mail sends it twice"
            )
        return self

    @model_validator(mode="after")
    def refuse_unsafe_mail(self) -> Self:
        """Refuse in production mail in clear, of nobody, or by a user without a password."""
        if self.environment == "production":
            password = self.smtp_password.get_secret_value()
            problems = [
                (self.smtp_security == "none", "PRAVAH_SMTP_SECURITY must be starttls or tls"),
                (
                    bool(self.smtp_username) and not password,
                    "PRAVAH_SMTP_PASSWORD must be set with PRAVAH_SMTP_USERNAME",
                ),
                (
                    self.mail_from_address == DEV_MAIL_FROM,
                    "PRAVAH_MAIL_FROM_ADDRESS must name the sender",
                ),
            ]
            if said := [text for unsafe, text in problems if unsafe]:
                raise ValueError("; ".join(said))
        return self
