"""The key encryption key: made once for developers, only read in production."""

import base64
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pravah_shared.errors import ConfigurationError
from pravah_shared.keys import load_or_create_kek
from pravah_shared.settings import Settings


def test_a_developers_key_is_made_once_and_kept(tmp_path: Path) -> None:
    """The second start finds the first one's key, readable by its user alone."""
    settings = Settings(state_dir=tmp_path)
    first = load_or_create_kek(settings)
    assert len(first) == 32
    assert load_or_create_kek(settings) == first
    (file,) = (tmp_path / "keys").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_services_that_start_together_share_one_key(tmp_path: Path) -> None:
    """Of several creators one wins and all use its key."""
    settings = Settings(state_dir=tmp_path)
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: load_or_create_kek(settings), range(32)))
    assert len(keys) == 1


@pytest.mark.parametrize(
    "content", [b"k" * 32, base64.b64encode(b"k" * 32) + b"\n"], ids=["raw", "base64"]
)
def test_a_mounted_key_is_read(tmp_path: Path, content: bytes) -> None:
    """Raw bytes or their base64."""
    file = tmp_path / "kek"
    file.write_bytes(content)
    assert load_or_create_kek(Settings(key_encryption_key_file=file)) == b"k" * 32


@pytest.mark.parametrize("content", [None, b"", b"short", base64.b64encode(b"k" * 16)])
def test_a_file_without_a_key_refuses_to_start(tmp_path: Path, content: bytes | None) -> None:
    """The message names the setting and how to make a key."""
    file = tmp_path / "kek"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigurationError, match="PRAVAH_KEY_ENCRYPTION_KEY_FILE"):
        load_or_create_kek(Settings(key_encryption_key_file=file))


def test_production_makes_no_key(tmp_path: Path) -> None:
    """A key made in passing would be lost with the pod, and every learner with it."""
    production = Settings.model_construct(
        environment="production", key_encryption_key_file=None, state_dir=tmp_path
    )
    with pytest.raises(ConfigurationError):
        load_or_create_kek(production)
    assert not list(tmp_path.iterdir())
