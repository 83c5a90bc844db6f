"""`python -m pravah_cli.operators`: the operators' page's process."""

import os

import uvicorn

from pravah_cli.operators.app import create_app
from pravah_cli.operators.watch import Watch, service_urls
from pravah_cli.settings import LocalSettings
from pravah_shared.settings import Settings, load


def main() -> None:
    """Serve until SIGTERM."""
    uvicorn.run(
        create_app(Watch(service_urls(os.environ))),
        host=load(Settings).host,
        port=LocalSettings().operators_port,
        log_level="warning",
        timeout_graceful_shutdown=1,  # open pages never end their stream by themselves
    )


if __name__ == "__main__":
    main()
