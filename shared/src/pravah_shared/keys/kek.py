"""The key encryption key (KEK): wraps every learner's key, lives outside the store."""

import base64
import binascii
import os
import tempfile
from pathlib import Path

from pravah_shared.errors import ConfigurationError
from pravah_shared.keys.sealing import KEY_BYTES
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
        _create(file)
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


def _create(file: Path) -> None:
    """Write a fresh key that only this user can read; of several processes one wins."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=file.parent)  # mode 0600
    fresh = Path(name)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(base64.b64encode(os.urandom(KEY_BYTES)))
    try:
        file.hardlink_to(fresh)  # unlike a rename, never replaces another process's key
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
