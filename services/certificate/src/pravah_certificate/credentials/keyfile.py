"""Secret files: JWK Sets (RFC 7517) readable by their owner only.

In dev a missing file is made on first start. The api and the stream may start at the same
moment: whoever links its complete file first wins, the other reads the winner's. What was
made here carries a key id with the prefix `dev-`, which production refuses wherever the file
has been copied to.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from pravah_shared.errors import ConfigurationError
from pravah_shared.secret_file import create_once

DEV_PREFIX = "dev-"

JsonWebKey = dict[str, Any]


def load_keys(
    path: Path,
    *,
    setting: str,
    environment: Literal["dev", "production"],
    make: Callable[[], JsonWebKey],
) -> list[JsonWebKey]:
    """Return the keys of a file, first the one in use. Safe to call from many processes.

    Raises:
        ConfigurationError: the file is missing or holds a dev key in production, or is no
            JWK Set. The message names the setting, never the key.
    """
    if environment == "dev" and not path.exists():
        create_once(path, json.dumps({"keys": [make()]}).encode())
    keys = read_keys(path, setting)
    if environment == "production" and any(is_dev(key["kid"]) for key in keys):
        msg = f"{setting}: {path} holds a development key; production needs its own"
        raise ConfigurationError(msg)
    return keys


def read_keys(path: Path, setting: str) -> list[JsonWebKey]:
    """Read a JWK Set whose keys all have a `kid`."""
    try:
        keys: list[JsonWebKey] = json.loads(path.read_bytes())["keys"]
        if keys and all(key["kty"] and key["kid"] for key in keys):
            return keys
    except OSError as error:
        msg = f"{setting}: cannot read {path} ({error.strerror}); mount the key there"
        raise ConfigurationError(msg) from error
    except (ValueError, KeyError, TypeError):
        pass  # said below, without the parser's message: it would quote the file
    msg = f'{setting}: {path} is no JWK Set; it must read {{"keys": [{{"kty": …, "kid": …}}]}}'
    raise ConfigurationError(msg)


def is_dev(key_id: str) -> bool:
    """Return whether a key was made for development: what it signs proves nothing."""
    return key_id.startswith(DEV_PREFIX)
