"""What is kept of a turn of speech from one run to the next."""

import json
from dataclasses import fields

import numpy as np

from affectlens.perception.words.turns import Turn


def test_a_turn_comes_back_as_it_was_but_for_its_sound():
    turn = Turn(1.25, 3.5, np.linspace(-1, 1, 88), 1.5, 20.0, 0.4, 0.0, True, 2, np.ones(10, np.float32))
    state = json.loads(json.dumps(turn.to_json()))
    again = Turn.of_json(state | {"answer": None})
    assert again.sound is None and np.array_equal(again.features, turn.features)
    assert all(
        getattr(again, field.name) == getattr(turn, field.name)
        for field in fields(Turn)
        if field.name not in ("features", "sound")
    )
