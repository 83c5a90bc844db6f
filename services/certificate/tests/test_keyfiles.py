"""Secret files: made once in dev, never in production, never shown."""

import json
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from pravah_certificate.credentials.keyfile import load_keys
from pravah_certificate.credentials.material import load_issuer, load_registry
from pravah_certificate.credentials.numbers import Numbers, grouped, make_dev_secret, normalised
from pravah_certificate.credentials.registry import Registry
from pravah_certificate.credentials.signer import LocalSigner, make_dev_key
from pravah_certificate.settings import CertificateSettings
from pravah_shared.errors import ConfigurationError

SETTING = "PRAVAH_SIGNING_KEY_FILE"


def made(path: Path) -> str:
    """Load in dev and return the key id."""
    return str(load_keys(path, setting=SETTING, environment="dev", make=make_dev_key)[0]["kid"])


def test_the_first_start_makes_a_key_that_only_its_owner_reads(tmp_path: Path) -> None:
    """Mode 0600, a dev- id, nothing else left in the directory; the next start finds it."""
    path = tmp_path / "state" / "signing.json"
    key_id = made(path)
    assert key_id.startswith("dev-")
    assert made(path) == key_id
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_processes_that_start_at_once_agree_on_one_key(tmp_path: Path) -> None:
    """The api and the stream start at the same moment: one key, whole, for both."""
    path = tmp_path / "signing.json"
    with ProcessPoolExecutor(4, mp_context=get_context("fork")) as pool:
        assert len(set(pool.map(made, [path] * 16))) == 1


def test_production_refuses_a_missing_file(tmp_path: Path) -> None:
    """The message names the setting and says what to do."""
    with pytest.raises(ConfigurationError, match=f"{SETTING}.*mount the key"):
        load_keys(
            tmp_path / "none.json", setting=SETTING, environment="production", make=make_dev_key
        )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("make", [make_dev_key, make_dev_secret])
def test_production_refuses_what_dev_made(tmp_path: Path, make: object) -> None:
    """Also under another name, and also as a key that only verifies."""
    path = tmp_path / "copied.json"
    path.write_text(json.dumps({"keys": [{**make_dev_key(), "kid": "2025-a"}, make()]}))  # type: ignore[operator]
    with pytest.raises(ConfigurationError, match="development key"):
        load_keys(path, setting=SETTING, environment="production", make=make_dev_key)


@pytest.mark.parametrize("content", ["", "secret", "[]", "{}", '{"keys": []}', '{"keys": [{}]}'])
def test_a_file_that_is_no_key_set_is_named_but_not_quoted(tmp_path: Path, content: str) -> None:
    """A broken secret must not reach a log through its error message."""
    path = tmp_path / "broken.json"
    path.write_text(content)
    with pytest.raises(ConfigurationError) as refused:
        load_keys(path, setting=SETTING, environment="dev", make=make_dev_key)
    assert SETTING in str(refused.value)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("key", [make_dev_secret(), {"kty": "EC", "kid": "a", "crv": "P-384"}])
def test_a_key_of_another_kind_is_refused(key: dict[str, str]) -> None:
    """Only P-256 signs ES256."""
    with pytest.raises(ConfigurationError, match="P-256"):
        Registry.of([key])


def test_two_keys_with_one_id_are_refused() -> None:
    """A verifier could not tell them apart."""
    key = make_dev_key()
    with pytest.raises(ConfigurationError, match="id of its own"):
        Registry.of([key, key])


def test_a_public_key_alone_does_not_sign() -> None:
    """Retired keys may be kept as public keys only."""
    public = {name: value for name, value in make_dev_key().items() if name != "d"}
    with pytest.raises(KeyError):
        LocalSigner([public]).sign(public["kid"], b"message")


def test_a_number_is_stable_secret_and_easy_to_type() -> None:
    """The same place gives the same number; another secret gives another; 16 plain letters."""
    secret = make_dev_secret()
    numbers, others = Numbers.of([secret]), Numbers.of([make_dev_secret()])
    number = numbers.number("learner|course||completion|1")
    assert Numbers.of([secret]).number("learner|course||completion|1") == number
    assert others.number("learner|course||completion|1") != number
    assert len(number) == 16
    assert normalised(f" {grouped(number).lower()} ") == number


@pytest.mark.parametrize("key", [make_dev_key(), {"kty": "oct", "kid": "a", "k": "c2hvcnQ"}])
def test_a_weak_number_secret_is_refused(key: dict[str, str]) -> None:
    """With a short secret certificates could be walked."""
    with pytest.raises(ConfigurationError):
        Numbers.of([key])


def settings_in(directory: Path, **said: object) -> CertificateSettings:
    """Return settings with their state in a directory of the test's own."""
    return CertificateSettings(state_dir=directory, **said)  # type: ignore[arg-type]


def test_the_api_and_the_stream_agree_on_a_key(tmp_path: Path) -> None:
    """What the stream signs, the API's registry verifies."""
    issuer = load_issuer(settings_in(tmp_path))
    registry = load_registry(settings_in(tmp_path))
    assert registry.active_key_id == issuer.signing_key_id
    assert (tmp_path / "keys" / "signing.json").exists()
    assert (tmp_path / "keys" / "certificate-number.json").exists()


def test_the_api_needs_public_keys_only(tmp_path: Path) -> None:
    """The stream, given the same file, says what is missing."""
    public = {name: value for name, value in make_dev_key().items() if name != "d"}
    path = tmp_path / "public.json"
    path.write_text(json.dumps({"keys": [public]}))
    settings = settings_in(tmp_path, signing_key_file=path)
    assert load_registry(settings).active_key_id == public["kid"]
    with pytest.raises(ConfigurationError, match="private part"):
        load_issuer(settings)


def test_the_issuer_signs_in_the_name_of_the_public_address(tmp_path: Path) -> None:
    """Without a trailing slash, which would double in verify links."""
    issuer = load_issuer(settings_in(tmp_path, public_url="https://c.example/", issuer_name="नाम"))
    assert (issuer.profile.url, issuer.profile.name) == ("https://c.example", "नाम")
