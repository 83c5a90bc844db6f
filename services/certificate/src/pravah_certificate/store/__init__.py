"""MongoDB of the certificate service.

- `inputs`: collections `completions`, `people`, `courses`: what the topics brought
- `certificates`: collection `certificates`: what was issued, with the event to announce it
- `documents`: how the model looks as documents
"""

from pravah_certificate.store.certificates import Certificates
from pravah_certificate.store.inputs import Inputs

__all__ = ["Certificates", "Inputs"]
