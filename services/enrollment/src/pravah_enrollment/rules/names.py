"""Text about people: normalised, never garbled, never able to deceive a reader's eye.

Unicode NFC, as the same name typed on two keyboards is one name. ZERO WIDTH JOINER and
NON-JOINER are kept: Indic scripts and Urdu are spelt with them.
"""

import re
import unicodedata

from pravah_shared.events.types import printable

DIRECTION = re.compile(r"[\u202a-\u202e\u2066-\u2069]")
"""Bidirectional embeddings, overrides and isolates: they make a certificate read otherwise."""
EMAIL = re.compile(r"^[^\s@<>()\[\],;:\\\"]{1,64}@[^\s@<>()\[\],;:\\\"]+\.[^\s@<>()\[\],;:\\\".]+$")
"""Enough to catch a slip; only a delivered mail proves an address."""


def written(text: str) -> str:
    """Return text as it is kept: NFC, without surrounding spaces.

    Raises:
        ValueError: control characters, direction overrides, private characters, or no letter.
    """
    text = unicodedata.normalize("NFC", printable(text)).strip()
    if DIRECTION.search(text):
        raise ValueError("holds a direction override; send the text without it")
    if any(unicodedata.category(letter) in {"Co", "Cs"} for letter in text):
        raise ValueError("holds private or broken characters; send Unicode text")
    if not any(unicodedata.category(letter).startswith("L") for letter in text):
        raise ValueError("holds no letter; send it in any script")
    return text


def latin(text: str) -> str:
    """Return a name in Latin letters, accents welcome.

    Raises:
        ValueError: as `written`, or a letter of another script.
    """
    text = written(text)
    for letter in text:
        if unicodedata.category(letter) in {"Lu", "Ll", "Lt", "Lo"} and not unicodedata.name(
            letter, ""
        ).startswith("LATIN"):
            raise ValueError("holds letters that are not Latin; send it in the field name instead")
    return text


def email(text: str) -> str:
    """Return an address that could be one.

    Raises:
        ValueError: it cannot.
    """
    text = unicodedata.normalize("NFC", printable(text)).strip()
    if not EMAIL.match(text):
        raise ValueError("is no e-mail address; send one like name@example.org")
    return text
