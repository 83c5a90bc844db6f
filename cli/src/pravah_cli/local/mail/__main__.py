"""`python -m pravah_cli.local.mail --port N --root DIR`: the mail server's process."""

import argparse
import asyncio
import signal
from pathlib import Path

from pravah_cli.local.mail.box import MailBox
from pravah_cli.local.mail.smtp import Keeper, connections


async def serve(port: int, root: Path) -> None:
    """Take mail until SIGTERM."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    keeper = Keeper(MailBox(root))
    server = await loop.create_server(connections(keeper), "127.0.0.1", port)
    async with server:
        await stop.wait()


def main() -> None:
    """Read the arguments and serve."""
    parser = argparse.ArgumentParser(prog="pravah_cli.local.mail")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--root", type=Path, required=True)
    given = parser.parse_args()
    given.root.mkdir(parents=True, exist_ok=True)
    asyncio.run(serve(given.port, given.root))


main()
