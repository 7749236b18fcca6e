"""Every registered model keeps to its contract, and each check catches a model that does not."""

import numpy as np
import pytest
import torch
from torch import nn

from affectlens.checks import CheckError, check_model
from affectlens.checks.model import CHECKS
from affectlens.core.errors import ModelError
from affectlens.corpora.base import Item
from affectlens.models.adapters import CallableModel, TorchModel
from affectlens.models.base import MODELS, BaseModel, Calibration
from affectlens.models.open import open_model
from affectlens.models.shipped.fusion import Segment
from tests.conftest import asset_path
from tests.models.conftest import background_file, bclstm_file, emonet_weights  # noqa: F401
from tests.perception.body.walker import walker

LABELS = ("anger", "joy", "neutral")


def items_of(name: str) -> list:
    """Things that a registered model reads."""
    rng = np.random.default_rng(0)
    seconds = np.arange(24000) / 16000
    coarse = rng.integers(0, 255, (3, 6, 8, 3), dtype=np.uint8)
    pictures = list(np.kron(coarse, np.ones((1, 20, 20, 1), np.uint8)))
    walks = [walker(seconds=2.0, speed=speed) for speed in (0.7, 1.0, 1.4)]
    voices = [
        (0.2 * np.sin(2 * np.pi * hertz * seconds * (1 + 0.02 * np.sin(9 * seconds)))).astype(np.float32)
        for hertz in (110, 180, 260)
    ]
    return {
        "face": [rng.integers(0, 255, (48, 48), dtype=np.uint8) for _ in range(3)],
        "words": ["I am so glad!", "leave me alone, I hate this", "the table is brown"],
        "speech": voices,
        "voice": voices,
        "gait": walks,
        "posture": [walk.points[10] for walk in walks],
        "fusion": [
            Segment(
                {"face": d[:288], "words": d[:384]},
                dict.fromkeys(("face", "words"), rng.dirichlet(np.ones(4))),
                {"face": 0.9, "words": 0.7},
            )
            for d in rng.normal(size=(3, 512)).astype(np.float32)
        ],
        "background": pictures,
        "emonet": pictures,
        "bclstm": [
            {"text": rng.normal(size=4), "audio": rng.normal(size=3), "dialogue": "d", "speaker": speaker} for speaker in "aba"
        ],
    }[name]


ASSETS = {"words": "minilm", "voice": "whisper-base", "background": "efficientdet-lite0"}
# Models that ship without weights get some that have learned nothing.
WEIGHTS = {"background": "background_file", "emonet": "emonet_weights", "bclstm": "bclstm_file"}


@pytest.mark.parametrize("name", MODELS.names())
def test_every_registered_model(name, request):
    if name in ASSETS:
        asset_path(ASSETS[name])
    model = open_model(name, weights=request.getfixturevalue(WEIGHTS[name]) if name in WEIGHTS else None)
    items = items_of(name)
    check_model(model, [model.read(item) for item in items], items=items, tolerance=1e-3 if name == "emonet" else 1e-4)


class Sound:
    """A model of texts: logits from the counts of three letters."""

    name, modality, labels = "sound", "words", LABELS

    def __init__(self):
        self.meta = {"corpus": "", "licence": "CC0"}

    def read(self, item):
        text = item.data if isinstance(item, Item) else item
        if not isinstance(text, str):
            raise ModelError(getattr(item, "problem", "") or f"a text was expected, not {type(text).__name__}")
        return text

    def predict(self, inputs):
        return np.array([[text.count(c) for c in "ajn"] for text in inputs], np.float32)

    def probabilities(self, inputs):
        powers = np.exp(self.predict(inputs).astype(np.float64))
        return powers / powers.sum(axis=1, keepdims=True)


TEXTS = ["a naja", "jjj", "nobody", "aa"]


def test_a_model_that_keeps_to_it_passes():
    check_model(Sound(), TEXTS, items=["plain", Item("k", "of a corpus", ("joy",))])


class NoMeta(Sound):
    def __init__(self):
        self.meta = None


class Doubles(Sound):
    def predict(self, inputs):
        return super().predict(inputs).astype(np.float64)


class TooFew(Sound):
    def predict(self, inputs):
        return super().predict(inputs)[:, :2]


class Infinite(Sound):
    def predict(self, inputs):
        return np.log(super().predict(inputs) * 0)


class Unscaled(Sound):
    def probabilities(self, inputs):
        return super().probabilities(inputs) * 1.01


class Centred(Sound):
    def predict(self, inputs):
        z = super().predict(inputs)
        return z - z.mean(axis=0)


class Sorted(Sound):
    def predict(self, inputs):
        return super().predict(sorted(inputs))


class Drawn(Sound):
    def predict(self, inputs):
        return super().predict(inputs) + np.random.default_rng().normal(size=(len(inputs), 3)).astype(np.float32) * 1e-6


class Greedy(Sound):
    def predict(self, inputs):
        z = super().predict(inputs)
        inputs[0] = ""
        return z


class Seeds(Sound):
    def predict(self, inputs):
        torch.manual_seed(0)
        np.random.seed(0)  # noqa: NPY002
        return super().predict(inputs)


class TakesAll(Sound):
    def read(self, item):
        return str(item)


class Calibrated(Sound):
    """Says of itself what is not so."""

    calibration = Calibration(temperature=2.0)


class Traceback(Sound):
    def read(self, item):
        return (item.data if isinstance(item, Item) else item).lower()


BROKEN = {
    NoMeta: ("described", "meta is None"),
    Doubles: ("logits", "predict gives float64; float32 was expected"),
    TooFew: ("logits", "an array (4, 3) was expected"),
    Infinite: ("logits", "values that are not finite"),
    Unscaled: ("probabilities", "rows of probabilities sum to 1.01"),
    Calibrated: ("calibrated", "probabilities differ from those of the calibrated logits"),
    Centred: ("batch", "asked alone and together differ"),
    Sorted: ("order", "asked backwards"),
    Drawn: ("state", "asked twice give different logits"),
    Greedy: ("state", "predict changes its inputs"),
    Seeds: ("state", "global random numbers are moved"),
    TakesAll: ("reading", "read takes an item without data"),
    Traceback: ("reading", "AttributeError was raised"),
}


@pytest.mark.parametrize("model", BROKEN)
def test_each_check_catches_a_model_that_does_not(model):
    check, text = BROKEN[model]
    with pytest.raises(CheckError) as caught:
        check_model(model(), list(TEXTS))
    assert any(text in problem for problem in caught.value.problems[check]), str(caught.value)


def test_a_model_may_say_that_it_is_contextual():
    class Contextual(Centred):
        contextual = True

    check_model(Contextual(), TEXTS)


@pytest.mark.parametrize(
    ("facts", "text"),
    [
        ({"temperature": 0.0}, "calibration.temperature is 0.0"),
        ({"conformal": 1.2}, "calibration.conformal is 1.2"),
        ({"coverage": -0.1}, "calibration.coverage is -0.1"),
        ({"reliability": float("nan")}, "calibration.reliability is nan"),
        ({"prior": (0.5, 0.5)}, "prior (0.5, 0.5); none, or a share for each of 3 classes"),
        ({"prior": (0.5, 0.4, 0.3)}, "calibration.prior sums to 1.2"),
    ],
)
def test_calibration_that_cannot_be_true_is_caught(facts, text):
    class Letters(BaseModel):
        predict = Sound.predict

    model = Letters("letters", "words", LABELS, calibration=Calibration(**facts))
    with pytest.raises(CheckError) as caught:
        check_model(model, TEXTS)
    assert any(text in problem for problem in caught.value.problems["calibrated"]), str(caught.value)
    model.calibration = Calibration(temperature=3.0, prior=(0.2, 0.3, 0.5))
    check_model(model, TEXTS)


def network(seed=0):
    generator = torch.Generator().manual_seed(seed)
    net = nn.Sequential(nn.Flatten(), nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3))
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    return net.eval()


VECTORS = np.random.default_rng(0).normal(size=(4, 4)).astype(np.float32)


def test_white_boxes():
    check_model(TorchModel(network(), LABELS), VECTORS)

    class Rows(TorchModel):
        def activations(self, batch, layer):
            return super().activations(batch, layer)[:1]

    class Flat(TorchModel):
        def gradients(self, batch, layer, target):
            return super().gradients(batch, layer, target).sum(axis=1)

    class Anything(TorchModel):
        def activations(self, batch, layer):
            return super().activations(batch, layer if layer in self.layers else "1")

    for cls, text in (
        (Rows, "4 rows were expected"),
        (Flat, "the same shape was expected"),
        (Anything, "an error was expected"),
    ):
        with pytest.raises(CheckError) as caught:
            check_model(cls(network(), LABELS), VECTORS)
        assert any(text in problem for problem in caught.value.problems["inside"]), str(caught.value)


def test_networks_are_left_as_they_were():
    class Trains(TorchModel):
        def predict(self, batch):
            self.net.train()
            return super().predict(batch)

    class Accumulates(TorchModel):
        def gradients(self, batch, layer, target):
            self.net(self.tensor(batch)).sum().backward()
            return super().gradients(batch, layer, target)

    class Listens(TorchModel):
        def activations(self, batch, layer):
            self.net[0].register_forward_hook(lambda *_: None)
            return super().activations(batch, layer)

    for cls, text in (
        (Trains, "predict changes training modes"), (Accumulates, "gradients changes gradients of parameters"),
        (Listens, "activations changes hooks"),
    ):  # fmt: skip
        with pytest.raises(CheckError) as caught:
            check_model(cls(network(), LABELS), VECTORS)
        assert text in caught.value.problems["untouched"], str(caught.value)


def test_every_check_has_a_broken_model():
    assert {check for check, _ in BROKEN.values()} | {"inside", "untouched"} == set(CHECKS)


@pytest.mark.parametrize("kind", ["sigmoid", "binary", "probabilities", "independent", "binary-probability", "regression"])
def test_models_of_every_kind_of_score_pass(kind):
    def function(batch):
        z = np.stack([np.asarray(row, float).sum() * np.array([3.0, -4.0]) + 1 for row in batch])
        e = np.exp(z)
        return {
            "sigmoid": z, "binary": z[:, :1], "probabilities": e / e.sum(axis=1, keepdims=True), "independent": 1 / (1 + 1 / e),
            "binary-probability": (1 / (1 + 1 / e))[:, :1], "regression": z,
        }[kind]  # fmt: skip

    labels = ("valence", "arousal") if kind == "regression" else LABELS[:2]
    check_model(CallableModel(function, labels, "voice", scores=kind), VECTORS)


def test_probabilities_that_are_not_what_the_scores_say_are_caught():
    class Wrong(CallableModel):
        def probabilities(self, inputs):
            return super().probabilities(inputs) * 1.5

    def logits(batch):
        return np.stack([np.asarray(row, float).sum() * np.array([3.0, -4.0]) + 1 for row in batch])

    for kind, message in (("sigmoid", "from 0 to 1 was expected"), ("softmax", "rows of probabilities sum to")):
        with pytest.raises(CheckError, match=message):
            check_model(Wrong(logits, LABELS[:2], "voice", scores=kind), VECTORS)

    class Values(CallableModel):
        def probabilities(self, inputs):
            return np.full((len(inputs), 2), 0.5)

    with pytest.raises(CheckError, match="probabilities are given, though the scores are regression"):
        check_model(Values(logits, ("valence", "arousal"), "voice", scores="regression"), VECTORS)
