"""Settings of the certificate service, beside the shared ones."""

from pathlib import Path

from pydantic import Field

from pravah_shared.settings import Settings

SIGNING_KEY = "PRAVAH_SIGNING_KEY_FILE"
NUMBER_SECRET = "PRAVAH_CERTIFICATE_NUMBER_FILE"  # noqa: S105 - names a setting


class CertificateSettings(Settings):
    """Where the keys are, in whose name certificates are issued, which ports serve."""

    mongo_database: str = Field(default="pravah_certificate", description="Database")
    certificate_api_port: int = Field(default=8003, description="Port of the API")
    certificate_stream_port: int = Field(
        default=8013, description="Port of the stream's health and metrics"
    )
    signing_key_file: Path | None = Field(
        default=None,
        description=(
            "JWK Set of P-256 keys: the first signs, all verify; the API needs the public parts "
            "only. Made in dev, never in production"
        ),
    )
    certificate_number_file: Path | None = Field(
        default=None,
        description="JWK Set with the secret (oct) of certificate numbers; made in dev only",
    )
    issuer_name: str = Field(
        default="Pravah", min_length=1, description="Issuer named on certificates"
    )

    @property
    def issuer_url(self) -> str:
        """Base of our public addresses: the issuer's id, home of its JWKS."""
        return self.public_url.rstrip("/")

    @property
    def signing_keys(self) -> Path:
        """The file of the signing keys."""
        return self.signing_key_file or self.state_dir / "keys" / "signing.json"

    @property
    def number_secret(self) -> Path:
        """The file of the secret of certificate numbers."""
        return self.certificate_number_file or self.state_dir / "keys" / "certificate-number.json"
