"""How to start the mail server."""

import sys
from dataclasses import dataclass
from pathlib import Path

from pravah_cli.local.http import ok
from pravah_cli.local.ports import answers
from pravah_cli.local.process import Launch


@dataclass(frozen=True, slots=True)
class MailPart:
    """One mail server: its ports and the directory of the mails it received."""

    port: int
    page_port: int
    root: Path

    def launch(self) -> Launch:
        """Say how to start it. Mails that are there stay."""
        module = [sys.executable, "-m", "pravah_cli.local.mail"]
        ports = ["--port", str(self.port), "--page-port", str(self.page_port)]
        return Launch(
            name="mail",
            argv=[*module, *ports, "--root", str(self.root)],
            ready=lambda: answers(self.port) and ok(self.page_port, "/healthz"),
            ports={"PRAVAH_SMTP_PORT": self.port, "PRAVAH_MAIL_PAGE_PORT": self.page_port},
        )
