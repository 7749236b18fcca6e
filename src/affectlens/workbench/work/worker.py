"""The process that explains recordings for the server: orders come in as lines of JSON, what is done goes out as such.

It calls what the command line calls, so its numbers are the same. It ends when its input ends, however the server ended.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any, TextIO

from affectlens.core.errors import AffectlensError

PAUSE = 0.2  # seconds between two lines of progress


class Teller:
    """Writes lines that the server reads.

    Parameters
    ----------
    out : text file
        Where to.
    """

    def __init__(self, out: TextIO) -> None:
        self._out, self._last = out, 0.0

    def tell(self, **facts: Any) -> None:
        """One line."""
        self._out.write(json.dumps(facts) + "\n")
        self._out.flush()

    def progress(self, stage: str, done: float, total: float) -> None:
        """How far the order at hand is; not more often than anybody can see."""
        now = time.monotonic()
        if now - self._last >= PAUSE:
            self._last = now
            self.tell(kind="progress", stage=stage, done=float(done), of=float(total))


class Explainer:
    """Carries orders out; models stay loaded from one to the next of equal options."""

    def __init__(self) -> None:
        self._engine: Any = None

    def explain(self, order: dict[str, Any], teller: Teller) -> dict[str, Any]:
        """Explain one recording.

        Parameters
        ----------
        order : dict
            ``recording``, ``out`` and ``options``.
        teller : Teller
            Takes the progress.

        Returns
        -------
        dict
            ``folder`` of the run, or ``error``, and ``notes``.
        """
        from affectlens.core.options import Options
        from affectlens.core.settings import with_fields
        from affectlens.pipeline.engine import Engine
        from affectlens.pipeline.recordings import explain

        given = {name: tuple(value) if isinstance(value, list) else value for name, value in order["options"].items()}
        options = with_fields(Options, None, given)
        if self._engine is None or self._engine.options != options:
            teller.tell(kind="progress", stage="loading the models", done=0.0, of=0.0)
            self._engine = Engine(options)
        run = explain([order["recording"]], order["out"], resume=True, engine=self._engine, progress=teller.progress)
        if run.failed:
            return {"error": "; ".join(failure.reason for failure in run.failed), "notes": run.notes}
        return {"folder": str(run.reports[0].parent), "notes": [*run.notes, *run.results[0].problems]}

    def copy(self, order: dict[str, Any], teller: Teller) -> dict[str, Any]:
        """Make a copy that browsers play."""
        from affectlens.workbench.reading.playable import make_copy

        return {"folder": str(make_copy(Path(order["recording"]), teller.progress)), "notes": []}

    def do(self, order: dict[str, Any], teller: Teller) -> dict[str, Any]:
        """What an order comes to; whatever it raises is its error alone."""
        try:
            return self.copy(order, teller) if order["do"] == "copy" else self.explain(order, teller)
        except AffectlensError as error:
            return {"error": str(error), "notes": []}
        except Exception as error:
            return {"error": f"{type(error).__name__}: {error}", "notes": []}


def main() -> int:
    """Carry orders out until there are no more."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process of a terminal; the server ends this one
    teller = Teller(os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8"))
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what libraries print is no answer
    explainer = Explainer()
    for line in sys.stdin:
        teller.tell(kind="done", **explainer.do(json.loads(line), teller))
    return 0


if __name__ == "__main__":
    sys.exit(main())
