"""`python -m pravah_shared.http.probe URL`: exit 0 when the URL answers 2xx. For health checks.

Images hold no shell tricks and no curl; this needs neither.
"""

import http.client
import sys
from urllib.parse import urlsplit

DEADLINE_SECONDS = 2.5


def answers(url: str) -> bool:
    """Whether a GET of `url` is answered 2xx within the deadline."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=DEADLINE_SECONDS)
    try:
        connection.request("GET", parts.path or "/")
        return connection.getresponse().status // 100 == http.client.OK // 100
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(0 if answers(sys.argv[1]) else 1)
