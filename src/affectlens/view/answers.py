"""How answers are written."""

from __future__ import annotations

import json
from typing import Any

from fastapi.responses import JSONResponse


class Plain(JSONResponse):
    """JSON without spaces; what is no number has become null before."""

    def render(self, content: Any) -> bytes:
        """The bytes."""
        return json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode(
            "utf-8", "backslashreplace"
        )
