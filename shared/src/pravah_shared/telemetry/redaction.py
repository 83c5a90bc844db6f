"""Keeps personal data and secrets out of the logs: the last guard, not the first.

Code logs opaque ids as facts (`log.info("batch.applied", events=412)`). Should a payload get
into a line all the same, through an exception's text above all, this takes out what is known by
its key (`name`, `email`, `token` …) or by its shape (mail address, phone number, JWT).
A person's name in free text has no shape: that is why lines carry facts and no prose.
"""

import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

REDACTED = "[redacted]"
LONGEST = 4000
"""Characters kept of one fact. Longer is a payload, or a stack of causes that repeats itself."""
DEEPEST = 4
"""Levels of nesting looked into; facts are flat, deeper is a payload."""

SECRET_KEYS = frozenset({
    "address", "authorization", "body", "ciphertext", "cookie", "designation", "display_name",
    "dob", "document", "email", "first_name", "full_name", "given_name", "jwt", "kek", "key_bytes",
    "last_name", "latin_name", "mail", "mobile", "msisdn", "name", "name_latin", "otp", "password",
    "payload", "person", "personal", "phone", "plaintext", "recipient_address", "secret",
    "session_id", "set_cookie", "to_address", "token", "value",
})  # fmt: skip

_SHAPES = (
    # pydantic quotes the input in its messages: the very value that was refused.
    (re.compile(r"input_value=.*?(?=, input_type=)", re.DOTALL), f"input_value={REDACTED}"),
    # MongoDB quotes the document in these; ids in `dup key` are opaque and stay.
    (re.compile(r"(errInfo|writeErrors)['\"]?:.*", re.DOTALL), rf"\1: {REDACTED}"),
    (re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]*"), REDACTED),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]+"), rf"\1 {REDACTED}"),
    (re.compile(r"(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"), REDACTED),
    (re.compile(r"[^\s@<>\"'=:,;()]+@[^\s@<>\"',;:()]+\.[^\W\d_][^\s\d@<>\"',;:().]+"), REDACTED),
    (re.compile(r"(?<![\w+-])\+\d[\d ()-]{8,16}\d(?![\w-])"), REDACTED),
    (re.compile(r"(?<![\w.:-])(?:0|91[ -]?)?[6-9]\d{4}[ -]?\d{5}(?![\w.:-])"), REDACTED),
)
"""Each shape and what stands in its place. The last is an Indian mobile number without `+`."""


def redact(text: str) -> str:
    """Return `text` without mail addresses, phone numbers, tokens, URL passwords, quoted input."""
    if len(text) > LONGEST:  # both ends: a traceback names its error last
        half = LONGEST // 2
        text = f"{text[:half]} … {len(text) - LONGEST} characters … {text[-half:]}"
    for shape, instead in _SHAPES:
        text = shape.sub(instead, text)
    return text


def redact_fact(key: str, fact: Any, depth: int = 0) -> Any:
    """Return a fact of a log line as it may be written: numbers and flags as they are."""
    if key.lower().replace("-", "_") in SECRET_KEYS or isinstance(fact, (bytes, bytearray)):
        return REDACTED
    if fact is None or isinstance(fact, (bool, int, float)):
        return fact
    if isinstance(fact, (Mapping, Sequence, AbstractSet)) and not isinstance(fact, str):
        return _redact_parts(fact, depth + 1)
    return redact(str(fact))


def _redact_parts(fact: Mapping[Any, Any] | Sequence[Any] | AbstractSet[Any], depth: int) -> Any:
    if depth > DEEPEST:
        return REDACTED
    if isinstance(fact, Mapping):
        return {str(key): redact_fact(str(key), part, depth) for key, part in fact.items()}
    return [redact_fact("", part, depth) for part in fact]
