"""Models made elsewhere: a torch module, ONNX, TorchScript, a folder of transformers, a function, a table of predictions."""

from affectlens.models.adapters.function import CallableModel
from affectlens.models.adapters.onnx import OnnxModel
from affectlens.models.adapters.table import TableModel
from affectlens.models.adapters.torch_module import TorchModel
from affectlens.models.adapters.torchscript import TorchScriptModel

__all__ = ["CallableModel", "OnnxModel", "TableModel", "TorchModel", "TorchScriptModel"]
