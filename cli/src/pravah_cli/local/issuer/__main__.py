"""`python -m pravah_cli.local.issuer`: the dev issuer's process."""

import sys

import uvicorn

from pravah_cli.local.issuer.app import create_app
from pravah_cli.settings import LocalSettings
from pravah_shared.settings import Settings, load


def main() -> int:
    """Serve until SIGTERM; refuse in production."""
    settings, local = load(Settings), LocalSettings()
    if settings.environment == "production":
        print("the dev issuer does not run in production; set PRAVAH_OIDC_ISSUER to the real one")
        return 1
    app = create_app(settings.oidc_issuer, local.state_dir)
    uvicorn.run(app, host=settings.host, port=local.issuer_port, log_level="warning")
    return 0


if __name__ == "__main__":
    sys.exit(main())
