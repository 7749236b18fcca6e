"""Networks in TorchScript files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from affectlens.core.errors import ModelError
from affectlens.models.adapters.blackbox import FileModel, last_line
from affectlens.models.adapters.script_code import check_script


class TorchScriptModel(FileModel):
    """A network saved by ``torch.jit``: a batch ``(n, ...)`` to scores; batches get the type of its weights.

    Such a file is a program. Its code is read first: one that touches files is refused, and one with more than the operators of
    networks is loaded only where code is allowed (see `open_model`).

    Parameters
    ----------
    path, labels, modality, reader, prepare, scores, output
        See ``FileModel``.
    """

    def _open(self, file: Path) -> None:
        check_script(file)
        try:
            self.net = torch.jit.load(str(file), map_location="cpu").eval()  # type: ignore[no-untyped-call]
        except Exception as error:
            raise ModelError(
                f"{file}: not readable as TorchScript ({last_line(error)}); save it with torch.jit.trace(net, x).save(path)"
            ) from error

    def _run(self, batch: Any) -> Any:
        types = (value.dtype for value in self.net.parameters() if value.is_floating_point())
        with torch.inference_mode():
            return self.net(torch.from_numpy(np.asarray(batch, np.float32)).to(next(types, torch.float32)))
