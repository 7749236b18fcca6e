"""What layers give for dialogues, kept one by one, so that the audit of concepts can be shared out and put together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import torch

from affectlens.audits.concepts.layers import LayerReading
from affectlens.audits.concepts.recurrent import read_dialogues
from affectlens.audits.parts import Batch
from affectlens.core.disk.files import digest_of
from affectlens.learning.trainers.bclstm import Packed
from affectlens.models.nets.bclstm import BcLstmNet

LAYERS = "layers"  # the table
COLUMNS = ("key", "layer", "width", "activations", "gradients")


def batch_of(
    net: BcLstmNet,
    part: Packed,
    names: Sequence[str],
    wanted: set[str],
    layers: Sequence[str],
    classes: Sequence[int],
    step: str,
) -> Batch:
    """Read the layers for some dialogues that go through the network together.

    Parameters
    ----------
    net : BcLstmNet
        The network.
    part : Packed
        The dialogues.
    names : sequence of str
        Their names.
    wanted : set of str
        Those that are asked for; the others are read along, so that no number depends on what is asked for.
    layers, classes, step
        As `read_dialogues` takes them.

    Returns
    -------
    Batch
        An item a dialogue, and of every layer a row a dialogue: float32 values of its utterances in order.
    """
    lengths = part.mask.sum(1)
    own = torch.where(part.mask, part.mask.flatten().cumsum(0).view(part.mask.shape) - 1, -1)
    readings = read_dialogues(net, replace(part, rows=own), layers, classes, step=step, batch=len(names))
    batch = Batch()
    ends = np.cumsum(lengths.numpy())
    for name, end, length in zip(names, ends, lengths.tolist(), strict=True):
        if name not in wanted:
            continue
        rows = slice(end - length, end)
        read = [part.features[modality][names.index(name), :length].numpy() for modality in sorted(part.features)]
        batch.items.append({"key": name, "why": "", "sha256": digest_of(*read)})
        for layer, reading in readings.items():
            assert reading.gradients is not None
            batch.tables.setdefault(LAYERS, []).append({
                "key": name, "layer": layer, "width": reading.activations.shape[1],
                "activations": reading.activations[rows].tobytes(), "gradients": reading.gradients[rows].tobytes(),
            })  # fmt: skip
    return batch


def put_together(table: pd.DataFrame, packed: Packed, names: Sequence[str], layers: Sequence[str]) -> dict[str, LayerReading]:
    """What the layers gave for all dialogues, from the rows of all shares.

    Parameters
    ----------
    table : DataFrame
        Rows of `batch_of`.
    packed : Packed
        All dialogues.
    names : sequence of str
        Their names, in that order.
    layers : sequence of str
        In the order in which they are given back.

    Returns
    -------
    dict of str to LayerReading
        As `read_dialogues` gives it for all dialogues at once, bit for bit.
    """
    place = {name: number for number, name in enumerate(names)}
    count = int(packed.mask.sum())
    out: dict[str, LayerReading] = {}
    for layer in layers:
        mine = table[table.layer == layer]
        width = int(mine.width.iloc[0])
        activations, gradients = np.zeros((count, width), np.float32), None
        for row in mine.itertuples():
            at = packed.rows[place[str(row.key)]]
            rows = at[at >= 0].numpy()
            activations[rows] = np.frombuffer(row.activations, np.float32).reshape(len(rows), width)
            slopes = np.frombuffer(row.gradients, np.float32).reshape(len(rows), -1, width)
            if gradients is None:
                gradients = np.zeros((count, slopes.shape[1], width), np.float32)
            gradients[rows] = slopes
        out[layer] = LayerReading(activations, gradients)
    return out
