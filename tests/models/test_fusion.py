"""The fusion network's wrapper against the network asked by hand."""

import numpy as np
import pytest
import torch

from affectlens.core.errors import ModelError
from affectlens.models.open import open_model
from affectlens.models.shipped.fusion import Segment


def test_modules_count_by_the_quality_of_their_signal(rng):
    model = open_model("fusion")
    widths = dict(model.net.config.modules)
    first, second = model.modules[:2]
    deep = {modality: rng.normal(size=widths[modality]).astype(np.float32) for modality in (first, second)}
    answers = {modality: rng.dirichlet(np.ones(4)) for modality in (first, second)}
    segment = Segment(deep, answers, {first: 0.3, second: 0.0})
    present = torch.zeros(1, len(model.modules))
    present[0, :2] = torch.tensor([0.3, 1e-3])  # a signal of no quality still says that somebody is there
    tensors = {modality: torch.from_numpy(z)[None] for modality, z in deep.items()}
    said = {modality: torch.from_numpy(np.log(p).astype(np.float32))[None] for modality, p in answers.items()}
    with torch.inference_mode():
        want = model.net(tensors, said, present).numpy()
    np.testing.assert_allclose(model.predict([segment]), want, atol=1e-5)


def test_what_is_no_segment_of_its_modules():
    model = open_model("fusion")
    with pytest.raises(ModelError, match="a Segment was expected, a dict"):
        model.read({})
    with pytest.raises(ModelError, match="none of .* is in the segment"):
        model.read(Segment({"tea": np.zeros(3)}, {}, {}))
