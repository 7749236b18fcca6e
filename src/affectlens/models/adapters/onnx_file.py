"""What an ONNX file promises, read before the runtime makes room for it: weights in other files, sizes of tensors."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from affectlens.core.limits import within

# Fields of a message that hold further messages, by the number of the field (onnx.proto3).
_INSIDE: dict[str, dict[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "entry"},
    "entry": {},
}
_DEEPEST = 40
_KEPT = 10_000  # bytes of a tensor that are kept, since it may be a shape
_INT64 = 7
# Operators that make a tensor of the shape that one of their inputs gives: its place among the inputs.
_SHAPED = {"ConstantOfShape": 0, "Expand": 1, "Tile": 1, "Resize": 3, "Range": 1, "OneHot": 1}
_RANDOM = ("RandomNormal", "RandomUniform")


@dataclass
class _Tensor:
    name: str = ""
    dims: list[int] = field(default_factory=list)
    kind: int = 0
    numbers: list[int] = field(default_factory=list)
    raw: bytes = b""
    outside: dict[str, str] = field(default_factory=dict)


def check_onnx(file: Path) -> None:
    r"""See that an ONNX file names no file outside of its folder and makes no tensor beyond all sizes.

    Parameters
    ----------
    file : Path
        The file.

    Raises
    ------
    ValueError
        It is damaged, or its weights lie outside of its folder or are not there; call it inside ``barrier.reading``.
    LimitError
        A tensor of a size that no network needs.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "net.onnx"
    >>> size = file.write_bytes(b"\x3a\x7f")
    >>> check_onnx(file)
    Traceback (most recent call last):
    ValueError: it is cut short
    """
    shapes: dict[str, list[int]] = {}
    nodes: list[tuple[str, list[str]]] = []
    for kind, content in _messages(memoryview(file.read_bytes()), "model", 0):
        if kind == "tensor":
            tensor = _tensor(content)
            _check_tensor(tensor, file)
            if tensor.kind == _INT64:
                shapes[tensor.name] = tensor.numbers or _int64s(tensor.raw)
        elif kind == "node":
            nodes.append(_node(content, shapes))
    for operator, inputs in nodes:
        at = _SHAPED.get(operator)
        if at is not None and at < len(inputs) and inputs[at] in shapes:
            within("bytes", 4 * math.prod(max(1, abs(n)) for n in shapes[inputs[at]]), file)


def _messages(data: memoryview, kind: str, depth: int) -> Iterator[tuple[str, memoryview]]:
    if depth > _DEEPEST:
        raise ValueError(f"more than {_DEEPEST} graphs inside each other")
    inside = _INSIDE[kind]
    for number, _, content in _fields(data):
        part = inside.get(number)
        if part is not None and isinstance(content, memoryview):
            yield from _messages(content, part, depth + 1)  # first what is inside, so that shapes are known
            yield part, content


def _fields(data: memoryview) -> Iterator[tuple[int, int, memoryview | int]]:
    """Number, wire type and content of each field of a message."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        wire = key & 7
        if wire == 0:
            value, at = _varint(data, at)
            yield key >> 3, wire, value
            continue
        if wire not in (1, 2, 5):
            raise ValueError("it is damaged")
        size, at = (8, at) if wire == 1 else (4, at) if wire == 5 else _varint(data, at)
        if size > len(data) - at:
            raise ValueError("it is cut short")
        yield key >> 3, wire, data[at : at + size]
        at += size


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise ValueError("it is cut short")
        byte = data[at]
        value |= (byte & 127) << shift
        at += 1
        if byte < 128:
            return value, at
    raise ValueError("it is damaged")


def _numbers(content: memoryview | int) -> list[int]:
    """Whole numbers, one in a field or many packed."""
    if isinstance(content, int):
        return [_signed(content)]
    out, at = [], 0
    while at < len(content):
        value, at = _varint(content, at)
        out.append(_signed(value))
    return out


def _signed(value: int) -> int:
    value &= 2**64 - 1
    return value - 2**64 if value >= 2**63 else value


def _int64s(raw: bytes) -> list[int]:
    return [int.from_bytes(raw[i : i + 8], "little", signed=True) for i in range(0, len(raw) // 8 * 8, 8)]


def _tensor(data: memoryview) -> _Tensor:
    made = _Tensor()
    for number, _, content in _fields(data):
        small = not isinstance(content, memoryview) or len(content) <= _KEPT
        if number == 1 and small:
            made.dims += _numbers(content)
        elif number == 2 and isinstance(content, int):
            made.kind = content
        elif number == 7 and small:
            made.numbers += _numbers(content)
        elif isinstance(content, memoryview):
            if number == 8:
                made.name = bytes(content[:_KEPT]).decode("utf-8", "replace")
            elif number == 9 and small:
                made.raw = bytes(content)
            elif number == 13:
                texts = {n: bytes(c[:_KEPT]).decode() for n, _, c in _fields(content) if isinstance(c, memoryview)}
                made.outside[texts.get(1, "")] = texts.get(2, "")
    return made


def _node(data: memoryview, shapes: dict[str, list[int]]) -> tuple[str, list[str]]:
    """Operator and inputs; the tensor of a constant is known by the name of its output from then on."""
    inputs: list[str] = []
    outputs: list[str] = []
    operator, value = "", None
    for number, _, content in _fields(data):
        if not isinstance(content, memoryview):
            continue
        if number in (1, 2):
            (inputs if number == 1 else outputs).append(bytes(content[:_KEPT]).decode("utf-8", "replace"))
        elif number == 4:
            operator = bytes(content[:_KEPT]).decode("utf-8", "replace")
        elif number == 5:
            value = _constant(content) or value
    if operator == "Constant" and value is not None and outputs:
        shapes[outputs[0]] = value
    if operator in _RANDOM and value is not None:
        shapes["shape of " + outputs[0]] = value
        return "ConstantOfShape", ["shape of " + outputs[0]]
    return operator, inputs


def _constant(attribute: memoryview) -> list[int] | None:
    """Whole numbers that an attribute holds, as a tensor or as a list (field 8)."""
    listed: list[int] = []
    for number, _, content in _fields(attribute):
        if number == 5 and isinstance(content, memoryview):
            tensor = _tensor(content)
            return (tensor.numbers or _int64s(tensor.raw)) if tensor.kind == _INT64 else None
        if number == 8:
            listed += _numbers(content)
    return listed or None


def _check_tensor(tensor: _Tensor, file: Path) -> None:
    if any(n < 0 for n in tensor.dims):
        raise ValueError(f"a tensor of the shape {tensor.dims[:8]}")
    if not tensor.outside:
        if math.prod(tensor.dims) > 8 * file.stat().st_size:  # eight values a byte at most
            raise ValueError(f"the tensor {tensor.name[:60]!r} promises more than the file holds")
        return
    folder = file.resolve().parent
    place = (folder / tensor.outside.get("location", "")).resolve()
    if not place.is_relative_to(folder) or not place.is_file():
        raise ValueError(f"weights in {tensor.outside.get('location', '')[:80]!r}, which is no file in the folder of the model")
    first, length = int(tensor.outside.get("offset") or 0), int(tensor.outside.get("length") or 0)
    if first < 0 or length < 0 or first + length > place.stat().st_size or math.prod(tensor.dims) > 8 * place.stat().st_size:
        raise ValueError(f"the tensor {tensor.name[:60]!r} promises more than {place.name} holds")
