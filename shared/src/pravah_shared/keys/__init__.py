"""Personal data: one key per learner, and erasure by destroying it.

Events and stores hold ciphertext only. Whoever may read a person asks the key store for that
learner's key; once the key is destroyed, every copy of the ciphertext, on topics, in stores and
in their backups, is noise.
"""

from pravah_shared.keys.kek import load_or_create_kek
from pravah_shared.keys.sealing import (
    LearnerKey,
    PersonalData,
    open_person,
    seal,
    seal_person,
    unseal,
)
from pravah_shared.keys.store import Erased, KeyStore, key_database_of

__all__ = [
    "Erased",
    "KeyStore",
    "LearnerKey",
    "PersonalData",
    "key_database_of",
    "load_or_create_kek",
    "open_person",
    "seal",
    "seal_person",
    "unseal",
]
