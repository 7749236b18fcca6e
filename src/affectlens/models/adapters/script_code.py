"""The code in a TorchScript file, read before torch sees the file, since loading it can run that code."""

from __future__ import annotations

import ast
import io
import pickletools
import re
from collections.abc import Iterator
from pathlib import Path

from affectlens.core.barrier import reading
from affectlens.core.errors import ModelError
from affectlens.core.untrusted.archives import archive
from affectlens.core.untrusted.code import need_code

_STATE = 1_000_000  # values
_LONGEST = 20_000_000  # bytes of code, and of the structure of a network
# Operators that read or write files, whatever they are reached by; refused also where code is allowed.
_FILES = re.compile(
    r"\b(save|from_file|load|load_state_dict|\w*(read|write|open|save|load|dump)_\w+|\w+_(file|files)|to_backend)\s*\("
)
# Operators of networks, whose work and memory follow from their inputs and weights. Whatever makes something of any size, draws
# random numbers or goes round in loops is not among them.
_WORDS = """
_convolution conv1d conv2d conv3d conv_transpose1d conv_transpose2d convolution linear addmm mm bmm matmul baddbmm
einsum t batch_norm layer_norm group_norm instance_norm native_layer_norm embedding dropout dropout_ feature_dropout
alpha_dropout relu relu_ relu6 relu6_ leaky_relu leaky_relu_ elu elu_ selu celu gelu silu silu_ mish hardswish
hardswish_ hardsigmoid hardtanh hardtanh_ sigmoid sigmoid_ tanh tanh_ softplus prelu softmax log_softmax glu
hardsigmoid_ threshold threshold_ max_pool1d max_pool2d max_pool3d avg_pool1d avg_pool2d adaptive_avg_pool1d
adaptive_avg_pool2d adaptive_max_pool1d adaptive_max_pool2d scaled_dot_product_attention lstm gru rnn_tanh rnn_relu
add add_ sub sub_ mul mul_ div div_ rsub pow sqrt rsqrt exp log neg abs mean sum std var max min amax amin norm clamp
clamp_ clamp_min clamp_max square reciprocal floor ceil round floor_divide remainder sin cos maximum minimum where eq
ne lt le gt ge logical_and logical_or logical_not argmax topk cat stack split chunk unbind flatten reshape view
view_as squeeze squeeze_ unsqueeze unsqueeze_ transpose permute contiguous select slice narrow index_select gather
size dim numel len to type_as float half double detach clone roll flip pixel_shuffle channel_shuffle masked_fill
masked_fill_ cumsum sort __getitem__ append format warn __is__ __isnot__ __not__ __contains__ is_floating_point list
tuple item zero_ device unflatten expand_as floordiv
"""
_OPERATORS = frozenset(_WORDS.split())
_BUILT_IN = "int float bool str len annotate unchecked_cast uninitialized getattr isinstance tuple list min max range"
_INNER = "NumToTensor ImplicitTensorToNum data device dtype requires_grad RaiseException unchecked_cast min max"
_SHORT = re.compile(r"range\((\d{1,3}|torch\.len\(\w+\)|torch\.sub\(torch\.len\(\w+\), \d+\))\)")
_PLAIN = frozenset(_BUILT_IN.split())
_PRIM = frozenset(_INNER.split())


def check_script(file: Path) -> None:
    """See that a TorchScript file holds a network and no program.

    Parameters
    ----------
    file : Path
        The file.

    Raises
    ------
    ModelError
        No such file, or one with an operator that reads or writes files.
    UsageError
        It holds something else than the usual operators of networks, and code is not allowed; the message names it.
    """
    with reading(file, "TorchScript as torch.jit.trace(net, x).save(path) writes it", ModelError), archive(file) as opened:
        names = [entry.filename for entry in opened.infolist()]
        for name in names:
            if re.search(r"(data|constants)\.pkl$", name):
                _check_structure(_content(opened.open(name)))
        codes = {name: _content(opened.open(name)).decode("utf-8") for name in names if name.endswith(".py")}
        if not codes and not any(name.endswith("constants.pkl") for name in names):
            raise ModelError(f"{file}: not readable as TorchScript (no code in it)")
    for code in codes.values():
        touched = _FILES.search(code)
        if touched:
            raise ModelError(f"{file}: its code calls {touched[1]}, which reads or writes files; such a network is not read")
    strange = sorted({word for code in codes.values() for word in _strange(code)})
    if strange:
        need_code(f"{file} is TorchScript that runs code beyond the operators of networks: {', '.join(strange[:8])}")


def _content(stream: object) -> bytes:
    content: bytes = stream.read(_LONGEST + 1)  # type: ignore[attr-defined]
    if len(content) > _LONGEST:
        raise ValueError("more code than any network has")
    return content


def _check_structure(content: bytes) -> None:
    """The instructions that name a place in memory, which torch makes room for up to that place."""
    for count, (code, given, _) in enumerate(pickletools.genops(io.BytesIO(content))):
        if code.name in ("PUT", "BINPUT", "LONG_BINPUT") and int(str(given)) > count:
            raise ValueError("it is damaged")
    if b"torch.classes" in content or b"torch\nclasses" in content:
        need_code("it holds an object of a class in C++")


def _strange(code: str) -> Iterator[str]:
    """What is no operator of a network."""
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        yield "code that is not Python"
        return
    own = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    yield from own & {"__setstate__", "__getstate__", "__init__", "__del__"}
    if "torch.classes" in code:
        yield "a class in C++"
    for node in ast.walk(tree):
        if isinstance(node, ast.While) or (isinstance(node, ast.For) and not _is_short(node.iter)):
            yield "a loop"
        elif isinstance(node, ast.Call) and not _is_usual(node.func) and not _is_small(node):
            yield ast.unparse(node.func)[:60]


def _is_short(turns: ast.expr) -> bool:
    """Whether a loop goes over the axes of a tensor, or a small number of times, as those of torch's own layers do."""
    return bool(_SHORT.fullmatch(ast.unparse(turns)))


def _is_usual(called: ast.expr) -> bool:
    if isinstance(called, ast.Name):
        return called.id in _PLAIN or bool(re.fullmatch(r"_\d+", called.id))  # a name for a function of the file's own code
    if not isinstance(called, ast.Attribute):
        return False
    home = called.value
    if isinstance(home, ast.Name) and home.id == "torch":
        return called.attr in _OPERATORS
    if isinstance(home, ast.Attribute) and isinstance(home.value, ast.Name) and home.value.id == "ops":
        return (home.attr == "prim" and called.attr in _PRIM) or (home.attr == "aten" and called.attr in _OPERATORS)
    # A part of the network, as (self.layer).forward(x): its code stands in the file too, and is read as well.
    return bool(re.fullmatch(r"forward\d*|_?\w+", called.attr)) and _is_own(home)


def _is_small(made: ast.Call) -> bool:
    """Whether zeros or ones are made as a state of a layer is: of lengths in the code, or of the input's."""
    if ast.unparse(made.func) not in ("torch.zeros", "torch.ones") or not made.args or not isinstance(made.args[0], ast.List):
        return False
    size = 1
    for length in made.args[0].elts:
        if isinstance(length, ast.Constant) and isinstance(length.value, int):
            size *= length.value
        elif not (isinstance(length, ast.Name) or ast.unparse(length).startswith("torch.size(")):
            return False
    return size <= _STATE


def _is_own(home: ast.expr) -> bool:
    while isinstance(home, ast.Attribute):
        home = home.value
    if isinstance(home, ast.Call):
        return isinstance(home.func, ast.Name) and home.func.id == "getattr"
    return isinstance(home, ast.Name) and home.id not in ("torch", "ops")
