"""`pravah doctor`: checks of this machine and its configuration."""

from dataclasses import asdict

import typer

from pravah_cli.doctor.checks import examine
from pravah_cli.output import Json, Output

MARKS = {"ok": "[green]✓[/green]", "note": "[yellow]•[/yellow]", "wrong": "[red]✗[/red]"}


def doctor(*, json: Json = False) -> None:
    """Check tools, ports and settings; name who holds a port and what to do.

    Exits with 1 when something is wrong.
    """
    out = Output(as_json=json)
    findings = examine()
    healthy = all(finding.verdict != "wrong" for finding in findings)
    out.result({"ok": healthy, "checks": [asdict(finding) for finding in findings]})
    for finding in findings:
        out.line(f"  {MARKS[finding.verdict]} {finding.name:<22} {finding.said}")
        if finding.remedy:
            out.line(f"    {'':<22} [dim]→ {finding.remedy}[/dim]")
    raise typer.Exit(0 if healthy else 1)
