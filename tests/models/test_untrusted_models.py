"""Networks of others: what a file would run or promise is seen before torch or the runtime sees it."""

import json

import numpy as np
import pytest
import torch
from torch import nn

from affectlens.core.errors import LimitError, ModelError, UsageError
from affectlens.core.limits import Limits, limited
from affectlens.models.adapters.onnx_file import check_onnx
from affectlens.models.adapters.script_code import check_script
from affectlens.models.checkpoints import read_checkpoint
from affectlens.models.open import open_model
from tests.models.onnx_file import _field, _node, _number, linear_onnx


class _Usual(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(1))
        self.last = nn.Linear(4, 2)

    def forward(self, x):
        return self.last(self.body(x).flatten(1)).softmax(1)


class _Saves(nn.Module):
    def forward(self, x):
        torch.save(x, "canary")
        return x.mean((2, 3))


class _Loops(nn.Module):
    def forward(self, x):
        while bool(x.sum() >= 0):
            x = x + 1
        return x.mean((2, 3))[:, :2]


class _Huge(nn.Module):
    def forward(self, x):
        return x.mean((2, 3))[:, :2] + torch.zeros([100000, 100000]).sum()


class _AtLoading(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = 1

    @torch.jit.export
    def __getstate__(self):
        return self.training, self.a

    @torch.jit.export
    def __setstate__(self, state: tuple[bool, int]):
        self.training, self.a = state[0], state[1]

    def forward(self, x):
        return x.mean((2, 3))[:, :2]


def _saved(net, folder):
    torch.jit.script(net.eval()).save(str(folder / "m.pt"))
    (folder / "m.json").write_text(json.dumps({"labels": ["a", "b"], "size": 8}))
    return folder / "m.pt"


def test_usual_networks_need_no_permission(tmp_path):
    check_script(_saved(_Usual(), tmp_path))
    torch.jit.trace(_Usual().eval(), torch.zeros(1, 3, 8, 8)).save(str(tmp_path / "m.pt"))
    assert open_model(tmp_path / "m.pt").predict(np.zeros((2, 3, 8, 8), np.float32)).shape == (2, 2)


@pytest.mark.parametrize(("net", "named"), [(_Loops, "a loop"), (_Huge, "torch.zeros"), (_AtLoading, "__setstate__")])
def test_other_code_needs_permission_and_is_named(net, named, tmp_path):
    file = _saved(net(), tmp_path)
    with pytest.raises(UsageError, match=rf"m\.pt is TorchScript.*{named}.*--allow-code"):
        open_model(file)
    assert open_model(file, allow_code=True).labels == ("a", "b")
    with pytest.raises(UsageError, match="--allow-code"):
        open_model(file)  # the permission was for one call


def test_code_that_touches_files_is_refused_always(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for allowed in (False, True):
        with pytest.raises(ModelError, match="calls save, which reads or writes files"):
            open_model(_saved(_Saves(), tmp_path), allow_code=allowed)
    assert not (tmp_path / "canary").exists()


@pytest.mark.parametrize(
    "spec", ["runs/evil:Model", "../evil:Model", "evil.py:Model", "/tmp/evil:Model", "evil:a.b", ":x", "x:"]
)
def test_a_module_is_named_not_a_path(spec):
    with pytest.raises(UsageError, match="a name in a module that can be imported|not a path"):
        open_model(spec)


def _external(path, location, *, dims=(2, 2), length=16):
    entries = b"".join(
        _field(13, _field(1, k) + _field(2, value)) for k, value in (("location", location), ("length", str(length)))
    )
    tensor = b"".join(_number(1, size) for size in dims) + _number(2, 1) + _field(8, "w") + entries + _number(14, 1)
    path.write_bytes(_number(1, 8) + _field(7, _field(5, tensor) + _field(2, "g")))


def test_onnx_names_files_of_its_own_folder_only(tmp_path):
    (tmp_path / "net").mkdir()
    file = tmp_path / "net" / "a.onnx"
    (tmp_path / "secret").write_bytes(bytes(16))
    (tmp_path / "net" / "w.bin").write_bytes(bytes(16))
    (tmp_path / "net" / "link").symlink_to(tmp_path / "secret")
    _external(file, "w.bin")
    check_onnx(file)
    for location in ("../secret", str(tmp_path / "secret"), "link", "nothing", ""):
        _external(file, location)
        with pytest.raises(ValueError, match="no file in the folder"):
            check_onnx(file)
    for wrong in ({"length": 17}, {"dims": (10**6, 10**6)}, {"dims": (2**64 - 1, 2)}):
        _external(file, "w.bin", **wrong)
        with pytest.raises(ValueError, match="promises more|of the shape"):
            check_onnx(file)


def test_onnx_makes_no_tensor_beyond_all_sizes(tmp_path):
    check_onnx(linear_onnx(tmp_path / "a.onnx", np.zeros((4, 2)), (4,)))
    shape = _number(1, 2) + _number(2, 7) + _field(8, "s") + _field(9, np.array([100_000, 100_000]).tobytes())
    made = _field(7, _field(1, _node("ConstantOfShape", ["s"], "y")) + _field(5, shape))
    (tmp_path / "a.onnx").write_bytes(_number(1, 8) + made)
    with pytest.raises(LimitError, match=r"a\.onnx: 40,000,000,000 bytes"):
        check_onnx(tmp_path / "a.onnx")


@pytest.mark.parametrize("new", [True, False])
def test_checkpoints_come_back_as_torch_reads_them(new, tmp_path):
    net, base = _Usual(), torch.arange(12.0).reshape(3, 4)
    optimizer = torch.optim.Adam(net.parameters())
    net(torch.zeros(2, 3, 8, 8)).sum().backward()
    optimizer.step()
    given = {
        "state_dict": net.state_dict(), "epoch": 3, "optimizer": optimizer.state_dict(), "views": [base, base.T, base[1:, ::2]],
        "more": (torch.tensor([True]), torch.empty(0, 3), torch.tensor(5), torch.ones(2, dtype=torch.bfloat16), nn.Parameter(torch.ones(2))),
    }  # fmt: skip
    torch.save(given, tmp_path / "a.pth", _use_new_zipfile_serialization=new)
    _same(read_checkpoint(tmp_path / "a.pth"), torch.load(tmp_path / "a.pth", weights_only=True))
    with limited(Limits(bytes=100)), pytest.raises(LimitError):
        read_checkpoint(tmp_path / "a.pth")


def _same(given, expected):
    if isinstance(expected, torch.Tensor):
        assert given.dtype == expected.dtype and torch.equal(given, expected.data)
    elif isinstance(expected, dict):
        assert list(given) == list(expected)
        for key in expected:
            _same(given[key], expected[key])
    elif isinstance(expected, (list, tuple)):
        for one, other in zip(given, expected, strict=True):
            _same(one, other)
    else:
        assert given == expected


def test_folders_with_code_or_endless_networks_are_refused(tmp_path):
    pytest.importorskip("transformers")
    for facts, match in (
        ({"auto_map": {"AutoConfig": "evil.Evil"}}, "code of its own"),
        ({"model_type": "vit", "num_hidden_layers": 10**9}, "num_hidden_layers"),
        ({"model_type": "vit", "vision": {"hidden_size": 10**9}}, "hidden_size"),
    ):
        (tmp_path / "config.json").write_text(json.dumps(facts))
        with pytest.raises(ModelError, match=match):
            open_model(tmp_path)
