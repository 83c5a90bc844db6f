"""The key encryption key (KEK): wraps every learner's key, lives outside the store."""

import base64
import binascii
import os
from pathlib import Path

from pravah_shared.errors import ConfigurationError
from pravah_shared.keys.sealing import KEY_BYTES
from pravah_shared.secret_file import create_once
from pravah_shared.settings import Settings

REMEDY = (
    "PRAVAH_KEY_ENCRYPTION_KEY_FILE must name a file with 32 random bytes or their base64 "
    "(`openssl rand -base64 32`)"
)


def load_or_create_kek(settings: Settings) -> bytes:
    """Read the KEK; on a developer's machine without the setting, make one at first use.

    Raises:
        ConfigurationError: the file is missing or holds no key. Production makes none: a second
            KEK would leave every learner's key unreadable.
    """
    if settings.key_encryption_key_file is not None:
        return _read(settings.key_encryption_key_file)
    if settings.environment == "production":
        raise ConfigurationError(REMEDY)
    file = settings.state_dir / "keys" / "kek"
    if not file.exists():
        create_once(file, base64.b64encode(os.urandom(KEY_BYTES)))
    return _read(file)


def _read(file: Path) -> bytes:
    try:
        content = file.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read ({error.strerror}). {REMEDY}") from error
    if len(content) == KEY_BYTES:
        return content
    try:
        key = base64.b64decode(content.strip(), validate=True)
    except binascii.Error as error:
        raise ConfigurationError(f"{file} holds no key. {REMEDY}") from error
    if len(key) != KEY_BYTES:
        raise ConfigurationError(f"{file} holds {len(key)} bytes. {REMEDY}")
    return key
