"""How to start the mail server."""

import sys
from dataclasses import dataclass
from pathlib import Path

from pravah_cli.local.ports import answers
from pravah_cli.local.process import Launch


@dataclass(frozen=True, slots=True)
class MailPart:
    """One mail server: its port and the directory of the mails it received."""

    port: int
    root: Path

    def launch(self) -> Launch:
        """Say how to start it. Mails that are there stay."""
        module = [sys.executable, "-m", "pravah_cli.local.mail"]
        return Launch(
            name="mail",
            argv=[*module, "--port", str(self.port), "--root", str(self.root)],
            ready=lambda: answers(self.port),
            ports={"PRAVAH_SMTP_PORT": self.port},
        )
