"""What a process loads at start: keys, secret, and in whose name it signs.

All raise ConfigurationError when a key is missing, malformed or, in production, made for
development.
"""

from pravah_certificate.credentials.issuer import Issuer
from pravah_certificate.credentials.keyfile import JsonWebKey, load_keys
from pravah_certificate.credentials.numbers import Numbers, make_dev_secret
from pravah_certificate.credentials.openbadge import IssuerProfile
from pravah_certificate.credentials.registry import Registry
from pravah_certificate.credentials.signer import LocalSigner, make_dev_key
from pravah_certificate.settings import NUMBER_SECRET, SIGNING_KEY, CertificateSettings
from pravah_shared.errors import ConfigurationError


def load_registry(settings: CertificateSettings) -> Registry:
    """Read who may have signed. Public keys are enough: the API needs no more."""
    return Registry.of(signing_keys(settings))


def load_issuer(settings: CertificateSettings) -> Issuer:
    """Read what signing and numbering need; for the stream alone."""
    keys = signing_keys(settings)
    active = Registry.of(keys).active_key_id
    if "d" not in keys[0]:
        raise ConfigurationError(f"{SIGNING_KEY}: the first key signs, it needs its private part")
    secrets = load_keys(
        settings.number_secret,
        setting=NUMBER_SECRET,
        environment=settings.environment,
        make=make_dev_secret,
    )
    profile = IssuerProfile(settings.issuer_url, settings.issuer_name)
    return Issuer(profile, LocalSigner(keys), active, Numbers.of(secrets))


def signing_keys(settings: CertificateSettings) -> list[JsonWebKey]:
    """Read the signing keys, the one that signs first."""
    return load_keys(
        settings.signing_keys,
        setting=SIGNING_KEY,
        environment=settings.environment,
        make=make_dev_key,
    )
