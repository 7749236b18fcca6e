"""Small inputs that tests of several steps share: a case of one layer, a network, utterances."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch

from affectlens.models.nets.bclstm import BcLstmConfig, BcLstmNet


def case(rng, n=40, d=5, m=12):
    """Activations, gradients and a concept that the first coordinate holds."""
    x, g = rng.normal(size=(n, d)), rng.normal(size=(m, d))
    y = (np.arange(n) % 3 == 0).astype(float)
    x[:, 0] += 2 * y
    return x, g, y


def small_net(seed=0, branches=("text", "audio")):
    torch.manual_seed(seed)
    widths = {"text": 20, "audio": 10}
    config = BcLstmConfig({m: widths[m] for m in branches}, 2, hidden=4, dense=3, anchor=branches[0])
    return BcLstmNet(config).eval()


def rows_of(n, speakers=None, texts=None):
    return pd.DataFrame({"key": [f"u{i}" for i in range(n)], "dialogue": "d", "turn": range(n), "speaker": speakers or ["a"] * n,
                         "text": texts or ["x"] * n, "start": np.nan, "end": np.nan})  # fmt: skip
