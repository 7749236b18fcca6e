"""affectlens: expressed emotion from whatever a recording offers, and why, with evidence that has been tested.

Examples
--------
>>> import affectlens
>>> run = affectlens.explain("talk.mp4", out="reports")  # doctest: +SKIP
>>> run.table, run.evidence, run.failures  # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from affectlens.core.environment.offline import stay_offline
from affectlens.core.lazy import lazy_names

stay_offline()

__version__ = "0.1.0"

if TYPE_CHECKING:
    from affectlens import audit, study, train
    from affectlens.assets.licences import licences
    from affectlens.core.limits import Limits, limited
    from affectlens.core.options import Options
    from affectlens.core.results.verification import verify
    from affectlens.core.schema import Evidence, Row
    from affectlens.corpora.base import open_corpus
    from affectlens.evaluation.evaluate import evaluate
    from affectlens.exchange.tables.base import import_measurements
    from affectlens.exchange.transfer import export, import_annotations
    from affectlens.measures.measure import measure
    from affectlens.models.adapters import CallableModel, OnnxModel, TableModel, TorchModel
    from affectlens.models.base import load_model
    from affectlens.models.open import open_model
    from affectlens.pipeline.ablation import ablate
    from affectlens.pipeline.averages import usual
    from affectlens.pipeline.checkup import doctor
    from affectlens.pipeline.engine import Engine
    from affectlens.pipeline.recordings import explain, recognize
    from affectlens.pipeline.results import Result, Run
    from affectlens.sheets.sheet import EvidenceSheet, sheet
    from affectlens.workbench.start import view

__all__ = [
    "CallableModel",
    "Engine",
    "Evidence",
    "EvidenceSheet",
    "Limits",
    "OnnxModel",
    "Options",
    "Result",
    "Row",
    "Run",
    "TableModel",
    "TorchModel",
    "ablate",
    "audit",
    "doctor",
    "evaluate",
    "explain",
    "export",
    "import_annotations",
    "import_measurements",
    "licences",
    "limited",
    "load_model",
    "measure",
    "open_corpus",
    "open_model",
    "recognize",
    "sheet",
    "study",
    "train",
    "usual",
    "verify",
    "view",
]

# Where each name lives. Torch, pandas and OpenCV take seconds to import; nothing here waits for them before it is used.
_HOMES = {
    "CallableModel": "affectlens.models.adapters",
    "Engine": "affectlens.pipeline.engine",
    "Evidence": "affectlens.core.schema",
    "EvidenceSheet": "affectlens.sheets.sheet",
    "Limits": "affectlens.core.limits",
    "OnnxModel": "affectlens.models.adapters",
    "Options": "affectlens.core.options",
    "Result": "affectlens.pipeline.results",
    "Row": "affectlens.core.schema",
    "Run": "affectlens.pipeline.results",
    "TableModel": "affectlens.models.adapters",
    "TorchModel": "affectlens.models.adapters",
    "ablate": "affectlens.pipeline.ablation",
    "audit": "affectlens.audit",
    "doctor": "affectlens.pipeline.checkup",
    "evaluate": "affectlens.evaluation.evaluate",
    "explain": "affectlens.pipeline.recordings",
    "export": "affectlens.exchange.transfer",
    "import_annotations": "affectlens.exchange.transfer",
    "import_measurements": "affectlens.exchange.tables.base",
    "licences": "affectlens.assets.licences",
    "limited": "affectlens.core.limits",
    "load_model": "affectlens.models.base",
    "measure": "affectlens.measures.measure",
    "open_corpus": "affectlens.corpora.base",
    "open_model": "affectlens.models.open",
    "recognize": "affectlens.pipeline.recordings",
    "sheet": "affectlens.sheets.sheet",
    "study": "affectlens.study",
    "train": "affectlens.train",
    "usual": "affectlens.pipeline.averages",
    "verify": "affectlens.core.results.verification",
    "view": "affectlens.workbench.start",
}


if not TYPE_CHECKING:  # type checkers know the names from their imports above, and that there are no others
    __getattr__ = lazy_names(__name__, _HOMES)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
