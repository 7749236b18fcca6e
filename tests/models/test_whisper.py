"""Whisper's encoder against the implementation of transformers, its spectrogram against faster-whisper's."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import torch

from affectlens.core.errors import ModelError
from affectlens.models.whisper.encoder import FRAMES, WhisperEncoder, from_ctranslate2
from affectlens.models.whisper.file import VERSION, variables
from affectlens.models.whisper.spectrogram import HOP, RATE, log_mel

LAYERS, WIDTH, HEADS, BANDS, POSITIONS = 3, 64, 4, 80, 60
CODES = {"float32": 0, "int16": 2, "float16": 4}


def text(value: str) -> bytes:
    return struct.pack("<H", len(value) + 1) + value.encode() + b"\0"


def ctranslate2_file(path: Path, tensors: dict[str, np.ndarray], version: int = VERSION) -> Path:
    parts = [struct.pack("<I", version), text("WhisperSpec"), struct.pack("<II", 3, len(tensors))]
    for name, values in tensors.items():
        shape = struct.pack(f"<B{values.ndim}I", values.ndim, *values.shape)
        parts += [text(name), shape, struct.pack("<BI", CODES[str(values.dtype)], values.nbytes), values.tobytes()]
    path.write_bytes(b"".join([*parts, struct.pack("<I", 0)]))
    return path


@pytest.fixture(scope="module")
def peer():
    transformers = pytest.importorskip("transformers")
    config = transformers.WhisperConfig(
        d_model=WIDTH, encoder_layers=LAYERS, encoder_attention_heads=HEADS, encoder_ffn_dim=4 * WIDTH,
        num_mel_bins=BANDS, max_source_positions=POSITIONS,
    )  # fmt: skip
    from transformers.models.whisper.modeling_whisper import WhisperEncoder as Peer

    with torch.random.fork_rng():
        torch.manual_seed(3)
        return Peer(config).eval()


def converted(peer) -> dict[str, np.ndarray]:
    """The peer's weights under CTranslate2's names."""
    state = {k: v.detach().numpy() for k, v in peer.state_dict().items()}
    out = {
        "encoder/num_heads": np.array(HEADS, np.int16),
        "encoder/position_encodings/encodings": state["embed_positions.weight"],
    }
    for conv in ("conv1", "conv2"):
        out |= {f"encoder/{conv}/{k}": state[f"{conv}.{k}"] for k in ("weight", "bias")}

    def norm(to: str, source: str) -> None:
        out.update({f"encoder/{to}/gamma": state[f"{source}.weight"], f"encoder/{to}/beta": state[f"{source}.bias"]})

    norm("layer_norm", "layer_norm")
    for i in range(LAYERS):
        source, to = f"layers.{i}", f"layer_{i}"
        norm(f"{to}/self_attention/layer_norm", f"{source}.self_attn_layer_norm")
        norm(f"{to}/ffn/layer_norm", f"{source}.final_layer_norm")
        attention = f"{source}.self_attn"
        bias = [state[f"{attention}.q_proj.bias"], np.zeros(WIDTH, np.float32), state[f"{attention}.v_proj.bias"]]
        weights = [state[f"{attention}.{k}_proj.weight"] for k in "qkv"]
        out[f"encoder/{to}/self_attention/linear_0/weight"] = np.concatenate(weights)
        out[f"encoder/{to}/self_attention/linear_0/bias"] = np.concatenate(bias)
        for name, layer in (
            ("self_attention/linear_1", "self_attn.out_proj"),
            ("ffn/linear_0", "fc1"),
            ("ffn/linear_1", "fc2"),
        ):
            out |= {f"encoder/{to}/{name}/{k}": state[f"{source}.{layer}.{k}"] for k in ("weight", "bias")}
    return out


@pytest.fixture(scope="module")
def file(peer, tmp_path_factory) -> Path:
    return ctranslate2_file(tmp_path_factory.mktemp("whisper") / "model.bin", converted(peer))


@pytest.fixture(scope="module")
def net(file) -> WhisperEncoder:
    return from_ctranslate2(file)


def spectrogram(columns: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(1, BANDS, columns, generator=torch.Generator().manual_seed(seed))


def test_all_layers_equal_the_implementation_of_transformers(peer, net):
    sound = spectrogram(2 * POSITIONS)
    with torch.no_grad():
        theirs = peer(sound, output_hidden_states=True).hidden_states
        ours = net(sound)
    assert len(ours) == LAYERS + 1
    for a, b in zip(ours[:-1], theirs, strict=False):
        assert torch.allclose(a, b, atol=1e-5)
    assert torch.allclose(net.norm(ours[-1]), theirs[-1], atol=1e-5)


@pytest.mark.parametrize("columns", [40, 41, 77])
def test_a_short_signal_among_long_ones_has_the_states_that_it_has_alone(net, columns):
    """Also where the number of columns is odd and the spectrogram beyond is not zero."""
    short = spectrogram(columns)
    batch = torch.cat([spectrogram(90, 1), torch.cat([short, spectrogram(90 - columns, 2)], dim=2)])
    together = net(batch, torch.tensor([90, columns]))
    alone = net(short)
    for a, b in zip(together, alone, strict=True):
        assert torch.allclose(a[1:, : b.shape[1]], b, atol=1e-5)


def test_only_the_layers_that_are_wanted_are_built_and_run(file, net):
    sound = spectrogram(50)
    shallow = from_ctranslate2(file, depth=2)
    assert len(shallow.blocks) == 2
    assert torch.equal(shallow(sound)[-1], net(sound)[2])
    assert torch.equal(net(sound, depth=1)[-1], net(sound)[1])


def test_nothing_longer_than_its_positions_is_taken(net):
    with pytest.raises(ModelError, match="at most"):
        net(spectrogram(2 * POSITIONS + 1))


def test_the_spectrogram_is_that_of_faster_whisper():
    peer = pytest.importorskip("faster_whisper.feature_extractor").FeatureExtractor()
    rng = np.random.default_rng(0)
    seconds = np.arange(2 * RATE) / RATE
    sound = (0.3 * np.sin(2 * np.pi * (200 + 300 * seconds) * seconds) + 0.01 * rng.normal(size=len(seconds))).astype(
        np.float32
    )
    assert np.abs(log_mel(sound).numpy() - peer(sound, padding=0)).max() < 1e-4


def test_ten_times_louder_is_the_same_spectrogram_moved():
    sound = np.random.default_rng(1).normal(size=RATE).astype(np.float32) / 100
    assert torch.allclose(log_mel(10 * sound), log_mel(sound) + 0.5, atol=1e-4)  # 20 dB are 2 in log10 of power, over 4
    assert FRAMES == RATE / HOP / 2


@pytest.mark.parametrize(
    "damage", [lambda b: b[:-300], lambda b: b[:9], lambda b: struct.pack("<I", 5) + b[4:], lambda b: b"\0" * 40]
)
def test_a_damaged_file_is_refused(file, tmp_path, damage):
    bad = tmp_path / "model.bin"
    bad.write_bytes(damage(file.read_bytes()))
    with pytest.raises(ModelError):
        from_ctranslate2(bad)


def test_sizes_that_disagree_are_refused(tmp_path):
    path = ctranslate2_file(tmp_path / "model.bin", {"encoder/conv1/weight": np.ones((2, 3), np.float16)})
    content = path.read_bytes().replace(struct.pack("<BII", 2, 2, 3), struct.pack("<BII", 2, 2, 4))
    path.write_bytes(content)
    with pytest.raises(ModelError, match="shape"):
        variables(path, lambda name: True)


def test_a_file_of_another_model_is_refused(tmp_path):
    path = ctranslate2_file(tmp_path / "model.bin", {"decoder/conv1/weight": np.ones((2, 3), np.float16)})
    with pytest.raises(ModelError, match="no Whisper encoder"):
        from_ctranslate2(path)
