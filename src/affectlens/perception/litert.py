"""Networks of TensorFlow Lite under LiteRT, which needs no system library: loaded once, run on one input at a time."""

from __future__ import annotations

import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from affectlens.core.errors import ModelError
from affectlens.perception.quiet import quiet_stderr


class LiteRtNetwork:
    """A ``.tflite`` graph with one input; deterministic, one run does not depend on the last.

    Parameters
    ----------
    model : Path or bytes
        The file, or what is in it.
    threads : int
        Threads of one run.
    keep_inner : bool
        Whether tensors inside the graph stay readable after a run; as fast, more memory.

    Attributes
    ----------
    outputs : dict of str to int
        Index of each output by its name, for ``tensor``.

    Raises
    ------
    ModelError
        LiteRT cannot be loaded, or the graph cannot.
    """

    def __init__(self, model: Path | bytes, threads: int = 2, *, keep_inner: bool = False) -> None:
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError as error:
            raise ModelError(f"LiteRT cannot be loaded ({error}); reinstall with: pip install ai-edge-litert") from error
        source: dict[str, Any] = {"model_content": model} if isinstance(model, bytes) else {"model_path": str(model)}
        if keep_inner:
            source["experimental_preserve_all_tensors"] = True
        with quiet_stderr(), warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # LiteRT advises against keeping inner tensors, which is meant here
            try:
                self._net = Interpreter(num_threads=threads, **source)
                self._net.allocate_tensors()
            except (ValueError, RuntimeError) as error:
                shown = "the graph" if isinstance(model, bytes) else model
                raise ModelError(f"{shown}: not readable as a LiteRT model ({str(error)[:160]}); reinstall it") from error
        self._input = self._net.get_input_details()[0]["index"]
        self.outputs = {str(tensor["name"]): int(tensor["index"]) for tensor in self._net.get_output_details()}

    def run(self, values: np.ndarray) -> None:
        """Run on an input with its batch axis, of the type and shape that the graph wants; read the answer by ``tensor``."""
        self._net.set_tensor(self._input, values)
        self._net.invoke()

    def tensor(self, name: str | int) -> np.ndarray:
        """A copy of an output by its name, or of any tensor that was kept by its index."""
        return np.asarray(self._net.get_tensor(self.outputs[name] if isinstance(name, str) else name))

    def details(self) -> list[dict[str, Any]]:
        """Name, index, shape and quantization of every tensor of the graph."""
        return list(self._net.get_tensor_details())


def graphs_of(task: Path, *names: str) -> list[bytes]:
    """The named ``.tflite`` files of a MediaPipe ``.task`` archive.

    Returns
    -------
    list of bytes
        One a name.

    Raises
    ------
    ModelError
        No such archive, or a graph that is not in it.
    """
    try:
        with zipfile.ZipFile(task) as archive:
            return [archive.read(f"{name}.tflite") for name in names]
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise ModelError(f"{task}: {', '.join(names)} were expected in it ({error}); run `affectlens assets pull`") from error
