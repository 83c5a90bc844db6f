"""MongoDB of the certificate service.

- `inputs`: collections `completions`, `people`, `courses`: what the topics brought
- `certificates`: collection `certificates`: what was issued, with the event to announce it
- `documents`: how the model looks as documents
"""

from pravah_certificate.store.certificates import After, Certificates
from pravah_certificate.store.inputs import Inputs
from pravah_shared.mongo import Database

__all__ = ["After", "Certificates", "Inputs", "store_of"]


def store_of(database: Database) -> tuple[Inputs, Certificates]:
    """Return both halves of the store on one database; sends nothing yet."""
    return Inputs(database), Certificates(database)
