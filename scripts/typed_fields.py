"""Write src/affectlens/core/fields.py: the settings of every verb as types, so that type checkers know them by name.

``python scripts/typed_fields.py`` after a setting was added, renamed or given another type.
"""

from __future__ import annotations

from dataclasses import Field, fields
from pathlib import Path
from typing import Any

from affectlens.audits.registry import AUDITS
from affectlens.core.options import Options
from affectlens.core.settings import Settings
from affectlens.learning.recipes import (
    BackgroundRecipe,
    BcLstmRecipe,
    FaceRecipe,
    FusionRecipe,
    GaitRecipe,
    PostureRecipe,
    SpeechRecipe,
    VoiceRecipe,
    WordsRecipe,
)

FILE = Path(__file__).resolve().parents[1] / "src" / "affectlens" / "core" / "fields.py"
RECIPES = (
    FaceRecipe, WordsRecipe, SpeechRecipe, VoiceRecipe, GaitRecipe, PostureRecipe, FusionRecipe, BackgroundRecipe, BcLstmRecipe,
)  # fmt: skip
OWN = ("concepts", "features", "latent", "objects", "properties")  # audits of this package, whatever is plugged in
HEAD = '''"""Settings by name, as the functions of Python take them one by one; written by scripts/typed_fields.py, not by hand.

Type checkers alone look at these classes. What a setting means, its default and its bounds stand in the class of settings that
each is named after.
"""

from __future__ import annotations

from pathlib import Path
from typing import TypedDict
'''


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


def text() -> str:
    """The whole file."""
    chosen = [Options, *RECIPES, *(AUDITS.get(name).settings for name in OWN)]
    return "\n\n".join([HEAD, *(f"{typed(settings)}\n" for settings in chosen)])


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
