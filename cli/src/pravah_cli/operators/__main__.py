"""`python -m pravah_cli.operators`: the operators' page's process."""

import os
import sys

import uvicorn

from pravah_cli.operators.app import create_app
from pravah_cli.operators.watch import Watch, service_urls
from pravah_cli.settings import LocalSettings
from pravah_shared.settings import Settings, load


def main() -> int:
    """Serve until SIGTERM; refuse in production, for the page asks nobody who they are."""
    settings = load(Settings)
    if settings.environment == "production":
        print("the operators' page is for development; in production scrape /metrics instead")
        return 1
    uvicorn.run(
        create_app(Watch(service_urls(os.environ))),
        host=settings.host,
        port=LocalSettings().operators_port,
        log_level="warning",
        timeout_graceful_shutdown=1,  # open pages never end their stream by themselves
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
