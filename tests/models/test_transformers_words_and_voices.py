"""Texts and sounds of transformers: their own tokenizer and extractor, what is cut, other rates, and what the scores are."""

import numpy as np
import pandas as pd
import pytest
import torch

from affectlens import evaluate
from affectlens.core.errors import ModelError, UsageError
from affectlens.models.adapters.transformers.loading import classes_and_scores
from affectlens.models.adapters.transformers.sounds import resampled
from affectlens.models.open import open_model

transformers = pytest.importorskip("transformers")
T = transformers
NAMES = ("anger", "happiness", "sadness")
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "so", "glad", "no", "word"]


def named(labels):
    return {"id2label": dict(enumerate(labels)), "label2id": {name: i for i, name in enumerate(labels)}}


def saved_texts(folder, labels=NAMES, positions=16, limit=None, kind="bert", **more):
    torch.manual_seed(1)
    (folder / "vocab.txt").write_text("\n".join(WORDS))
    small = {"vocab_size": 9, "hidden_size": 12, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16,
             "max_position_embeddings": positions, **named(labels), **more}  # fmt: skip
    if kind == "bert":
        net = T.BertForSequenceClassification(T.BertConfig(**small)).eval()
    else:
        net = T.RobertaForSequenceClassification(T.RobertaConfig(**small, pad_token_id=0)).eval()
    with torch.no_grad():
        for name, weight in net.named_parameters():
            if name.startswith("classifier") and weight.ndim == 2:
                weight.mul_(40)
    net.save_pretrained(folder)
    T.BertTokenizer(str(folder / "vocab.txt"), **({"model_max_length": limit} if limit else {})).save_pretrained(folder)
    return net


def by_hand(net, ids):
    with torch.inference_mode():
        return net(torch.tensor([ids])).logits.double().numpy()


@pytest.mark.parametrize(
    ("kind", "positions", "limit", "longest"), [("bert", 16, None, 16), ("bert", 16, 10, 10), ("roberta", 17, None, 16)]
)
def test_long_texts_are_cut_at_what_the_network_reads_and_know_it(kind, positions, limit, longest, tmp_path):
    net = saved_texts(tmp_path, kind=kind, positions=positions, limit=limit)
    model = open_model(str(tmp_path), modality="words")
    assert model.longest == longest
    short, long = model.read("so glad"), model.read("word " * 40)
    assert (short.truncated, long.truncated) == (False, True) and short == "so glad"
    whole = [2, *[8] * (longest - 2), 3]
    np.testing.assert_allclose(
        model.predict([short, long]), np.concatenate([by_hand(net, [2, 5, 6, 3]), by_hand(net, whole)]), atol=1e-4
    )


def test_cut_texts_are_counted_wherever_a_model_is_asked(tmp_path):
    folder = tmp_path / "net"
    folder.mkdir()
    saved_texts(folder)
    rows = [(f"{'word ' * (40 if i < 7 else 3)}{i % 3}", NAMES[i % 3]) for i in range(24)]
    pd.DataFrame(rows, columns=["text", "label"]).to_csv(tmp_path / "t.csv", index=False)
    result = evaluate(str(folder), f"csv={tmp_path / 't.csv'}", split="all", draws=5)
    assert "7 items are longer than net reads and were cut at their end" in result.notes
    from affectlens import audit

    made = audit.properties(str(folder), f"csv={tmp_path / 't.csv'}", split="all", only=("length",), interventions=("none",))
    assert "7 items are longer than net reads and were cut at their end" in made.notes


def test_long_texts_of_the_shipped_model_are_counted(tmp_path):
    from tests.conftest import asset_path

    asset_path("minilm")
    model = open_model("words")
    assert model.read("so glad").truncated is False and model.read("word " * 900).truncated is True


@pytest.mark.parametrize(
    ("labels", "problem", "said", "kind", "classes", "source"),
    [
        (NAMES, None, "", "softmax", NAMES, "no problem_type"),
        (NAMES, "single_label_classification", "", "softmax", NAMES, "problem_type single_label"),
        (NAMES, "multi_label_classification", "", "sigmoid", NAMES, "problem_type multi_label"),
        (("valence", "arousal"), None, "", "regression", ("valence", "arousal"), "names of its outputs"),
        (("valence", "arousal"), "regression", "", "regression", ("valence", "arousal"), "problem_type regression"),
        (("happiness",), None, "", "binary", ("not happiness", "happiness"), "num_labels 1"),
        (("valence",), None, "", "regression", ("valence",), "names of its outputs"),
        (("score",), "regression", "", "regression", ("score",), "problem_type regression"),
        (
            NAMES,
            "multi_label_classification",
            "softmax",
            "softmax",
            NAMES,
            "the caller, though config.json has problem_type multi",
        ),
        (("happiness",), None, "sigmoid", "sigmoid", ("happiness",), "the caller"),
    ],
)
def test_what_a_configuration_says_of_scores(labels, problem, said, kind, classes, source, tmp_path):
    net = saved_texts(tmp_path, labels, problem_type=problem)
    model = open_model(str(tmp_path), modality="words", scores=said)
    assert (model.scores.kind, model.labels) == (kind, classes) and source in model.scores.source
    z = by_hand(net, [2, 5, 6, 3])
    e = np.exp(z - z.max())
    want = {
        "softmax": e / e.sum(), "sigmoid": 1 / (1 + np.exp(-z)), "regression": z,
        "binary": np.concatenate([1 / (1 + np.exp(z)), 1 / (1 + np.exp(-z))], axis=1),
    }[kind]  # fmt: skip
    np.testing.assert_allclose(model.outputs(["so glad"]), want, atol=1e-4)
    if kind == "regression":
        with pytest.raises(ModelError, match="no probabilities of classes"):
            model.probabilities(["so glad"])


def test_classes_that_cannot_be_are_refused():
    config = T.BertConfig(**named(("valence", "arousal")))
    with pytest.raises(UsageError, match="valence, arousal are no classes"):
        classes_and_scores(config, "softmax")
    with pytest.raises(UsageError, match="one class .happiness.*say scores='sigmoid'"):
        classes_and_scores(T.BertConfig(**named(("happiness",))), "softmax")


def saved_sounds(folder, extractor, labels=NAMES):
    torch.manual_seed(0)
    config = T.Wav2Vec2Config(
        hidden_size=24, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32, conv_dim=(16, 16), conv_stride=(5, 4),
        conv_kernel=(10, 8), num_feat_extract_layers=2, num_conv_pos_embeddings=16, num_conv_pos_embedding_groups=2,
        classifier_proj_size=16, **named(labels),
    )  # fmt: skip
    net = T.Wav2Vec2ForSequenceClassification(config).eval()
    net.save_pretrained(folder)
    extractor.save_pretrained(folder)
    return net


def test_a_sound_is_brought_to_the_extractors_rate(tmp_path, rng):
    extractor = T.Wav2Vec2FeatureExtractor(sampling_rate=8000)
    net = saved_sounds(tmp_path, extractor)
    model = open_model(str(tmp_path), modality="voice")
    sound = rng.normal(size=16000).astype(np.float32)
    slow = resampled(sound, 16000, 8000)
    assert len(slow) == 8000 and model.rate == 8000
    with torch.inference_mode():
        want = net(**extractor(slow, sampling_rate=8000, return_tensors="pt")).logits.numpy()
    np.testing.assert_allclose(model.predict([model.read(sound)]), want, atol=1e-5)
    tone = np.sin(2 * np.pi * 300 * np.arange(16000) / 16000).astype(np.float32)
    np.testing.assert_allclose(resampled(tone, 16000, 8000)[100:-100], tone[::2][100:-100], atol=1e-3)


def test_sounds_that_an_extractor_cuts_know_it(tmp_path, rng):
    torch.manual_seed(0)
    extractor = T.ASTFeatureExtractor(max_length=100, num_mel_bins=32)
    config = T.ASTConfig(
        hidden_size=24,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_length=100,
        num_mel_bins=32,
        **named(NAMES),
    )
    net = T.ASTForAudioClassification(config).eval()
    net.save_pretrained(tmp_path)
    extractor.save_pretrained(tmp_path)
    model = open_model(str(tmp_path), modality="voice")
    short, long = (model.read(rng.normal(size=n).astype(np.float32)) for n in (16399, 40000))
    assert (
        model.longest == 16399
        and model.read(np.zeros(16400, np.float32)).truncated
        and (short.truncated, long.truncated) == (False, True)
    )
    with torch.inference_mode():
        want = [
            net(**extractor(np.asarray(s), sampling_rate=16000, return_tensors="pt")).logits[0].numpy() for s in (short, long)
        ]
    np.testing.assert_allclose(model.predict([short, long]), want, atol=1e-4)


def test_ones_own_preprocessing_takes_the_place_of_the_folders(tmp_path, rng):
    net = saved_texts(tmp_path)

    def ids(text):
        return {"input_ids": np.array([2, *[7] * len(text.split()), 3])}

    model = open_model(str(tmp_path), modality="words", preprocess=ids)
    np.testing.assert_allclose(model.predict([model.read("so glad so")]), by_hand(net, [2, 7, 7, 7, 3]), atol=1e-4)
    folder = tmp_path / "voices"
    folder.mkdir()
    heard = saved_sounds(folder, T.Wav2Vec2FeatureExtractor())
    raw = open_model(str(folder), modality="voice", preprocess=lambda sound: sound * 2)
    sound = rng.normal(size=8000).astype(np.float32)
    with torch.inference_mode():
        want = heard(torch.from_numpy(sound * 2)[None]).logits.numpy()
    np.testing.assert_allclose(raw.predict([raw.read(sound)]), want, atol=1e-5)
    (folder / "preprocessor_config.json").unlink()
    with pytest.raises(
        ModelError, match="no preprocessor_config.json, so how the network's input is made is not known; save it beside"
    ):
        open_model(str(folder), modality="voice")


def test_a_corpus_of_speech_is_put_to_it_as_sound(tmp_path):
    """Not as the 88 functionals that the shipped model reads: the answers are those of the network asked by hand."""
    from affectlens.corpora.base import open_corpus
    from tests.audits.corpora import LABELS, emodb

    folder = tmp_path / "net"
    folder.mkdir()
    extractor = T.Wav2Vec2FeatureExtractor()
    net = saved_sounds(folder, extractor, LABELS)
    root = emodb(tmp_path / "emodb", people=2, takes=1)
    result = evaluate(str(folder), f"emodb={root}", split="four", draws=5)
    right = []
    for item in open_corpus(f"emodb={root}").items("four"):
        with torch.inference_mode():
            logits = net(**extractor(item.data, sampling_rate=16000, return_tensors="pt")).logits[0]
        right.append(LABELS[int(logits.argmax())] == item.labels[0])
    assert result.n == len(right) == 8 and not result.missed
    assert result.scores["accuracy"].value == np.mean(right)
