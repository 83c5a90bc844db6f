"""Ciphertexts open with the learner's key and with nothing else."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pravah_shared.errors import Undecodable
from pravah_shared.keys import LearnerKey, PersonalData, open_person, seal, seal_person, unseal

KEY = LearnerKey("learner-1", "key-1", b"k" * 32)


@given(st.binary(max_size=300))
def test_what_is_sealed_opens_again(plaintext: bytes) -> None:
    """Any bytes return unchanged."""
    assert unseal(KEY, seal(KEY, plaintext)) == plaintext


@given(
    st.builds(
        PersonalData,
        name=st.text(min_size=1),
        email=st.none() | st.text(),
        designation=st.none() | st.text(),
    )
)
def test_a_person_returns_letter_by_letter(person: PersonalData) -> None:
    """Scripts, joiners and all."""
    assert open_person(KEY, seal_person(KEY, person)) == person


def test_sealing_twice_gives_two_texts() -> None:
    """Equal persons cannot be recognised by their ciphertexts."""
    assert seal(KEY, b"same") != seal(KEY, b"same")


@pytest.mark.parametrize(
    "other",
    [
        LearnerKey("learner-2", "key-1", KEY.secret),
        LearnerKey("learner-1", "key-2", KEY.secret),
        LearnerKey("learner-1", "key-1", b"x" * 32),
    ],
    ids=["another-learner", "another-key-id", "another-secret"],
)
def test_nothing_else_opens_it(other: LearnerKey) -> None:
    """A ciphertext moved to another record is noise there."""
    with pytest.raises(Undecodable, match=other.learner_id):
        unseal(other, seal(KEY, b"text"))


@given(st.data())
def test_an_altered_bit_is_noticed(data: st.DataObject) -> None:
    """GCM authenticates every bit."""
    raw = bytearray(base64.b64decode(seal(KEY, b"Anjali Sharma")))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(Undecodable):
        unseal(KEY, base64.b64encode(raw).decode())


@pytest.mark.parametrize("text", ["", "AAAA", "no base64!", "é"])
def test_what_is_no_ciphertext_is_undecodable(text: str) -> None:
    """Garbage blames the record."""
    with pytest.raises(Undecodable):
        unseal(KEY, text)


def test_a_person_that_is_none_leaks_nothing() -> None:
    """The error names the learner's id and not what stood in the plaintext."""
    with pytest.raises(Undecodable) as caught:
        open_person(KEY, seal(KEY, b'{"nome": "Anjali Sharma"}'))
    assert "Anjali" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_the_secret_is_not_in_the_repr() -> None:
    """A key may stand in a log line or a traceback."""
    assert "kkkk" not in repr(KEY)
