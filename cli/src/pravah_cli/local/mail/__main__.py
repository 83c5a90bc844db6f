"""`python -m pravah_cli.local.mail`: the mail server's process, SMTP and its page."""

import argparse
import asyncio
from pathlib import Path

import uvicorn

from pravah_cli.local.mail.box import MailBox
from pravah_cli.local.mail.page import create_app
from pravah_cli.local.mail.smtp import Keeper, connections


async def serve(host: str, port: int, page_port: int, root: Path) -> None:
    """Take mail and show it until SIGTERM."""
    keeper = Keeper(MailBox(root))
    loop = asyncio.get_running_loop()
    smtp = await loop.create_server(connections(keeper), host, port)
    page = uvicorn.Server(
        uvicorn.Config(create_app(keeper), host=host, port=page_port, log_level="warning")
    )
    async with smtp:
        await page.serve()


def main() -> None:
    """Read the arguments and serve."""
    parser = argparse.ArgumentParser(prog="pravah_cli.local.mail")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--page-port", type=int, required=True)
    parser.add_argument("--root", type=Path, required=True)
    given = parser.parse_args()
    given.root.mkdir(parents=True, exist_ok=True)
    asyncio.run(serve(given.host, given.port, given.page_port, given.root))


main()
