"""Write src/affectlens/typed: settings and the functions of trainings as type checkers know them.

``python scripts/typed_fields.py`` after a setting or a training was added, renamed or given another type.
"""

from __future__ import annotations

from dataclasses import Field, fields
from pathlib import Path
from typing import Any

from affectlens.audits.registry import AUDITS
from affectlens.core.options import Options
from affectlens.core.settings import Settings
from affectlens.learning.recipes.registry import TRAININGS, RegisteredTraining
from affectlens.workbench.settings import ViewSettings

FOLDER = Path(__file__).resolve().parents[1] / "src" / "affectlens" / "typed"
PACKAGE = "affectlens."  # types are written for what this package registers, whatever is plugged in
FIELDS = '''"""Settings by name, as functions of Python take them; written by scripts/typed_fields.py, not by hand.

Type checkers alone look at these classes. What a setting means, its default and its bounds stand in the class of settings that
each is named after.
"""

from __future__ import annotations

from pathlib import Path
from typing import TypedDict
'''
FUNCTIONS = '''"""``affectlens.train`` as type checkers know it; written by scripts/typed_fields.py, not by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Unpack

    from affectlens.core.progress import Progress
    from affectlens.corpora.base import Corpora
'''
FUNCTION = '''
    def {name}(
        corpora: Corpora,
        out: str | Path,
        *,
        threads: int = 1,
        progress: Progress | None = None,
        settings: {recipe} | None = None,
        **fields: Unpack[{recipe}Fields],
    ) -> TrainingRun:
        """{help}"""
'''


def own(registry: Any) -> list[Any]:
    """Entries whose settings are of this package."""
    return [entry for entry in registry.values() if entry.settings.__module__.startswith(PACKAGE)]


def typed(settings: type[Settings]) -> str:
    """One class of settings as a class of types, none of them required."""
    lines = [f"{field.name}: {accepted(field)}" for field in fields(settings)]
    heading = f'class {settings.__name__}Fields(TypedDict, total=False):\n    """Fields of ``{settings.__name__}``."""\n'
    return heading + "".join(f"\n    {line}" for line in lines)


def accepted(field: Field[Any]) -> str:
    """What a function takes for a field: a list is as good as the tuple that becomes of it, a path as its text."""
    annotation = str(field.type)
    if field.metadata["metavar"] in ("FILE", "FOLDER") and annotation == "str":
        return "str | Path"
    if not annotation.startswith("tuple["):
        return annotation
    inner = annotation.removeprefix("tuple[").removesuffix(", ...]")
    return f"{annotation} | list[{inner}]"


def field_types() -> str:
    """The file of settings."""
    chosen = [Options, ViewSettings, *(entry.settings for registry in (TRAININGS, AUDITS) for entry in own(registry))]
    return "\n\n".join([FIELDS, *(f"{typed(settings)}\n" for settings in chosen)])


def training_types() -> str:
    """The file of the functions of trainings."""
    entries: list[RegisteredTraining] = own(TRAININGS)
    recipes = [f"    from {one.settings.__module__} import {one.settings.__name__}\n" for one in entries]
    imported = "".join([*recipes, "    from affectlens.training.run import TrainingRun\n"])
    names = "".join(f"        {one.settings.__name__}Fields,\n" for one in entries)
    imported += f"    from affectlens.typed.fields import (\n{names}    )\n"
    functions = (FUNCTION.format(name=one.name, recipe=one.settings.__name__, help=one.help) for one in entries)
    exported = ", ".join(f'"{one.name}"' for one in entries)
    return f"{FUNCTIONS}{imported}\n    __all__ = [{exported}]\n{''.join(functions)}"


FILES = {"fields.py": field_types, "trainings.py": training_types}

if __name__ == "__main__":
    for file, text in FILES.items():
        (FOLDER / file).write_text(text(), encoding="utf-8")
