"""What every model has to keep to, whoever made it: callable with any model and items that it reads."""

import numpy as np

from affectlens.checks import check_model


def keeps_the_contract(model, items, tolerance=1e-4):
    """``items``: at least three different ones, items of a corpus or bare data."""
    inputs = [model.read(item) for item in items]
    check_model(model, inputs, items=items, tolerance=tolerance)
    for first, again in zip(inputs, [model.read(item) for item in reversed(items)][::-1], strict=True):
        np.testing.assert_equal(_plain(first), _plain(again))  # whatever was read before
    logits, probability = model.predict(inputs), model.probabilities(inputs)
    np.testing.assert_array_equal(logits.argmax(axis=1), probability.argmax(axis=1))
    assert np.ptp(logits, axis=0).max() > 0, "the items have to differ"


def _plain(value):
    return vars(value) if hasattr(value, "__dataclass_fields__") else value
