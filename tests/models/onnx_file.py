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
    dims = b"".join(_field(1, _field(2, d) if isinstance(d, str) else _number(1, d)) for d in shape)
    return _field(1, name) + _field(2, _field(1, _number(1, 1) + _field(2, dims)))


def _node(kind, inputs, output):
    return b"".join(_field(1, i) for i in inputs) + _field(2, output) + _field(4, kind)


def linear_onnx(path, weight, shape):
    """Batches ``(n, *shape)`` flattened times ``weight`` ``(features, classes)``."""
    weight = np.asarray(weight, np.float32)
    tensor = b"".join(_number(1, d) for d in weight.shape) + _number(2, 1) + _field(8, "w") + _field(9, weight.tobytes())
    graph = (
        _field(1, _node("Flatten", ["x"], "flat")) + _field(1, _node("MatMul", ["flat", "w"], "y")) + _field(2, "linear")
        + _field(5, tensor) + _field(11, _value("x", ("n", *shape))) + _field(12, _value("y", ("n", weight.shape[1])))
    )  # fmt: skip
    path.write_bytes(_number(1, 8) + _field(7, graph) + _field(8, _field(1, "") + _number(2, 13)))
    return path


TYPES = {"float32": 1, "uint8": 2, "int64": 7, "float16": 10, "float64": 11}


def tensor(name, values):
    values = np.ascontiguousarray(values)
    dims = b"".join(_number(1, d) for d in values.shape)
    return dims + _number(2, TYPES[str(values.dtype)]) + _field(8, name) + _field(9, values.tobytes())


def node(kind, inputs, output, **attributes):
    """A node; attributes are whole numbers or lists of them."""
    made = _node(kind, inputs, output)
    for name, value in attributes.items():
        if isinstance(value, int):
            made += _field(5, _field(1, name) + _number(3, value) + _number(20, 2))
        else:
            made += _field(5, _field(1, name) + b"".join(_number(8, v) for v in value) + _number(20, 7))
    return made


def value(name, shape, dtype="float32"):
    dims = b"".join(_field(1, _field(2, d) if isinstance(d, str) else _number(1, d)) for d in shape)
    return _field(1, name) + _field(2, _field(1, _number(1, TYPES[dtype]) + _field(2, dims)))


def graph_onnx(path, nodes, weights, inputs, outputs):
    """Any graph: nodes, weights by name, inputs and outputs as ``value`` makes them."""
    graph = b"".join(_field(1, made) for made in nodes) + _field(2, "graph")
    graph += b"".join(_field(5, tensor(name, values)) for name, values in weights.items())
    graph += b"".join(_field(11, made) for made in inputs) + b"".join(_field(12, made) for made in outputs)
    path.write_bytes(_number(1, 8) + _field(7, graph) + _field(8, _field(1, "") + _number(2, 13)))
    return path
