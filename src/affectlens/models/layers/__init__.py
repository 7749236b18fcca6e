"""The inside of any torch network: what a layer gives, how it lies, its gradients, and the network with it replaced."""

from affectlens.models.layers.axes import Axes, Probe, axes_of
from affectlens.models.layers.capture import captured_layers, frozen, replaced_layer
from affectlens.models.layers.gradients import gradients_at
from affectlens.models.layers.inputs import as_dtype_of, channels_axis, with_batch_axis
from affectlens.models.layers.names import layer_name
from affectlens.models.layers.outputs import logits_of, one_row_each

__all__ = [
    "Axes",
    "Probe",
    "as_dtype_of",
    "axes_of",
    "captured_layers",
    "channels_axis",
    "frozen",
    "gradients_at",
    "layer_name",
    "logits_of",
    "one_row_each",
    "replaced_layer",
    "with_batch_axis",
]
