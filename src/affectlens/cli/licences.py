"""`affectlens licences`: terms behind every weight in use, and what may not be used for a purpose."""

from __future__ import annotations

from typing import Annotated

import typer

from affectlens.cli import common
from affectlens.cli.options import verb

Purpose = Annotated[str, typer.Option(help="commercial or research: what may not be used for it, and why.", metavar="PURPOSE")]


@verb()
def command(purpose: Purpose = "") -> None:
    """The licence register: terms and open questions behind every weight in use, and what may not be used and why."""
    from affectlens.assets.licences import licences

    found = licences(purpose)
    table = common.table("what", "kind", "terms", "commercial", "research", "open question")
    for row in (found.refused if purpose else found.table).itertuples():
        table.add_row(row.title, row.kind, row.terms, row.commercial, row.research, row.question)
    common.plain.print(table)
    common.say(*found.findings())
