"""A linear classifier as an ONNX file, written field by field so that no further package is needed."""

import numpy as np


def _field(number, payload):
    """A length-delimited protobuf field."""
    payload = payload.encode() if isinstance(payload, str) else payload
    return _varint(number << 3 | 2) + _varint(len(payload)) + payload


def _number(number, value):
    return _varint(number << 3) + _varint(value)


def _varint(value):
    out = b""
    while value > 127:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def _value(name, shape):
    dims = b"".join(_field(1, _field(2, size) if isinstance(size, str) else _number(1, size)) for size in shape)
    return _field(1, name) + _field(2, _field(1, _number(1, 1) + _field(2, dims)))


def _node(kind, inputs, output):
    return b"".join(_field(1, i) for i in inputs) + _field(2, output) + _field(4, kind)


def linear_onnx(path, weight, shape):
    """Batches ``(n, *shape)`` flattened times ``weight`` ``(features, classes)``."""
    weight = np.asarray(weight, np.float32)
    tensor = b"".join(_number(1, size) for size in weight.shape) + _number(2, 1) + _field(8, "w") + _field(9, weight.tobytes())
    graph = (
        _field(1, _node("Flatten", ["x"], "flat")) + _field(1, _node("MatMul", ["flat", "w"], "y")) + _field(2, "linear")
        + _field(5, tensor) + _field(11, _value("x", ("n", *shape))) + _field(12, _value("y", ("n", weight.shape[1])))
    )  # fmt: skip
    path.write_bytes(_number(1, 8) + _field(7, graph) + _field(8, _field(1, "") + _number(2, 13)))
    return path
