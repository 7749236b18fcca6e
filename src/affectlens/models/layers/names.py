"""Layers by dotted name or as the module itself."""

from __future__ import annotations

from torch import nn

from affectlens.core.errors import UsageError, unknown


def layer_name(net: nn.Module, layer: str | nn.Module) -> str:
    """The dotted name of a layer of a network.

    Parameters
    ----------
    net : torch.nn.Module
        The network.
    layer : str or torch.nn.Module
        A dotted name, as ``net.named_modules()`` gives it, or a module that is part of the network.

    Returns
    -------
    str
        The name; of a module with several names the first.

    Raises
    ------
    UsageError
        No such layer, with the nearest names; a module of another network, or the network itself.

    Examples
    --------
    >>> net = nn.Sequential(nn.Linear(3, 4), nn.ReLU())
    >>> layer_name(net, net[1]), layer_name(net, "0")
    ('1', '0')
    """  # noqa: DOC501
    named = dict(net.named_modules(remove_duplicate=False))
    if isinstance(layer, nn.Module):
        if layer is net:
            raise UsageError("the layer is the whole network; a layer inside it was expected, as module or by dotted name")
        for name, module in named.items():
            if module is layer:
                return str(name)
        same_kind = [name for name, module in named.items() if name and type(module) is type(layer)]
        raise UsageError(
            f"the layer {type(layer).__name__} is no part of this network {type(net).__name__}; its layers of that kind: "
            f"{', '.join(same_kind[:8]) or 'none'}"
        )
    if not layer or layer not in named:
        raise unknown("layer", layer, [name for name in named if name])
    return str(layer)
