"""Files that want to run code, or promise more than they hold: made here, by name, each as bytes."""

import io
import itertools
import json
import pickle
import struct
import zipfile
import zlib
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch

CANARY = "canary-of-a-hostile-file"  # made in the folder at hand by whatever runs
HARMLESS = ("memo far away",)  # what would be wrong is the room that is made for it


def _text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value.encode())) + value.encode()


def _global(module: str, name: str, protocol: int) -> bytes:
    if protocol >= 4:
        return _text(module) + _text(name) + b"\x93"
    return f"c{module}\n{name}\n".encode()


def _proto(protocol: int) -> bytes:
    return b"\x80" + bytes([protocol]) if protocol >= 2 else b""


# What pickles that run code ask for: directly, over a dotted name, or over something harmless that leads there.
CALLS = [
    ("os", "system"), ("posix", "system"), ("nt", "system"), ("subprocess", "Popen"), ("builtins", "eval"), ("builtins", "exec"),
    ("__builtin__", "eval"), ("builtins", "getattr"), ("builtins", "__import__"), ("builtins", "open"), ("builtins", "compile"),
    ("functools", "partial"), ("functools", "reduce"), ("operator", "attrgetter"), ("operator", "methodcaller"),
    ("numpy.dtypes", "np.os.system"), ("numpy.dtypes", "Float32DType"), ("numpy.dtypes", "__builtins__"),
    ("numpy.testing._private.utils", "runstring"), ("numpy.testing._private", "utils.os.system"),
    ("numpy.core.multiarray", "set_typeDict"), ("numpy._core.multiarray", "fromfile"), ("numpy", "load"), ("numpy", "fromfile"),
    ("numpy.core.multiarray", "_reconstruct.__globals__"), ("numpy", "ndarray.tofile"), ("numpy", "memmap"), ("numpy", "dtype.type"),
    ("numpy.distutils.exec_command", "exec_command"), ("numpy.f2py.crackfortran", "myeval"), ("numpy.lib._npyio_impl", "DataSource"),
    ("pandas", "read_pickle"), ("pandas.io.common", "os.system"), ("torch.serialization", "load"), ("torch", "load"),
    ("torch._utils", "_rebuild_tensor_v2.__globals__"), ("importlib", "import_module"), ("runpy", "run_path"), ("pty", "spawn"),
    ("pip", "main"), ("timeit", "timeit"), ("code", "InteractiveInterpreter"), ("ctypes", "CDLL"), ("socket", "create_connection"),
    ("webbrowser", "open"), ("logging.config", "fileConfig"), ("shutil", "rmtree"), ("pathlib", "Path"), ("types", "FunctionType"),
    ("collections", "OrderedDict.__class__"), ("copyreg", "_reconstructor"), ("_codecs", "encode.__self__"), ("_codecs", "lookup"),
    ("affectlens.core.registry", "import_file"), ("affectlens.core.untrusted.pickled", "np.os.system"),
]  # fmt: skip


def pickles() -> dict[str, bytes]:
    """Pickles that want to run something, of every protocol and instruction, and such that want room."""
    command = f"touch {CANARY}"
    out: dict[str, bytes] = {}
    for number, (module, name) in enumerate(CALLS):
        protocol = number % 6
        out[f"reduce {module}.{name} {protocol}"] = (
            _proto(protocol) + _global(module, name, protocol) + b"(" + _text(command) + b"tR."
        )
    for protocol in range(6):
        head, system = _proto(protocol), _global("os", "system", protocol)
        shapes = {
            "reduce": system + _text(command) + b"\x85R",
            "inst": b"(" + _text(command) + b"ios\nsystem\n",
            "obj": b"(" + system + _text(command) + b"o",
            "newobj": system + _text(command) + b"\x85\x81",
            "newobj ex": system + _text(command) + b"\x85}\x92",
            "build": _global("collections", "OrderedDict", protocol) + b")R" + b"}" + _text("__setstate__") + system + b"sb"
            + _text(command) + b"b",
            "inside an array": _global("numpy.core.multiarray", "_reconstruct", protocol) + b"(" + system + b"K\x00\x85C\x01btR",
            "type of an array": _global("numpy", "dtype", protocol) + b"(" + _text("O|os.system") + b"I0\nI1\ntR",
            "extension": b"\x82\x01", "extension 2": b"\x83\x01\x00", "extension 4": b"\x84\x01\x00\x00\x00",
            "persistent": b"Pos.system\n", "persistent from the stack": _text("os.system") + b"Q", "buffer": b"\x97",
        }  # fmt: skip
        out |= {f"{name} {protocol}": head + body + b"." for name, body in shapes.items()}
    out |= _greedy_pickles()
    return out


@cache
def pickles_cached() -> dict[str, bytes]:
    """`pickles`, made once."""
    return pickles()


def _greedy_pickles() -> dict[str, bytes]:
    array = _global("numpy.core.multiarray", "_reconstruct", 2) + _global("numpy", "ndarray", 2) + b"K\x00\x85C\x01b\x87R"
    kind = _global("numpy", "dtype", 2) + _text("f8") + b"I0\nI1\n\x87R"
    huge = b"(J\xff\xff\xff\x7fJ\xff\xff\xff\x7ft"
    laughs = b"(" + b"".join(_text("ha") for _ in range(10)) + b"lq\x00"
    for level in range(1, 30):
        laughs += (
            b"(" + b"h" + bytes([level - 1]) + b"".join(b"h" + bytes([level - 1]) for _ in range(9)) + b"lq" + bytes([level])
        )
    sized = b"\x8a\x05" + (10**11).to_bytes(5, "little")
    return {
        "array of 2^62 values": b"\x80\x02" + array + b"(K\x01" + huge + kind + b"I0\nC\x00tb.",
        "array of text of no length": b"\x80\x02" + array + b"(K\x01" + b"(" + sized + b"t" + _global("numpy", "dtype", 2)
        + _text("S0") + b"I0\nI1\n\x87RI0\nC\x00tb.",
        "array twice": b"\x80\x02" + array + (b"(K\x01K\x01\x85" + kind + b"I0\nC\x08" + bytes(8) + b"tb") * 2 + b".",
        "bytes of a number": b"\x80\x02" + _global("builtins", "bytes", 2) + sized + b"\x85R.",
        "bytearray of a number": b"\x80\x02" + _global("builtins", "bytearray", 2) + sized + b"\x85R.",
        "bytes of 2^60": b"\x80\x04\x8e" + struct.pack("<Q", 2**60) + b".",
        "bytearray of 2^60": b"\x80\x05\x96" + struct.pack("<Q", 2**60) + b".",
        "text of 2^60": b"\x80\x04\x8d" + struct.pack("<Q", 2**60) + b".",
        "frame of 2^60": b"\x80\x04\x95" + struct.pack("<Q", 2**60) + b"N.",
        "integer of 2 GB": b"\x80\x02\x8b" + struct.pack("<i", 2**31 - 1) + b".",
        "integer in digits": b"I" + b"9" * 100_000 + b"\n.",
        "memo far away": b"\x80\x02Nr\xfe\xff\xff\xff.",
        "a billion laughs": b"\x80\x02" + laughs + b".",
        "itself": b"\x80\x02]q\x00h\x00a.",
        "deep": b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b".",
        "deep tuple as a key": b"\x80\x02}" + b")" + b"\x85" * 200_000 + b"Ns.",
        "keys that collide": b"\x80\x02}(" + b"".join(b"\x8a\x0a" + ((2**61 - 1) * i).to_bytes(10, "little") + b"N" for i in range(9, 2000))
        + b"u.",
        "sets": b"\x80\x04" + b"\x8f" * 8_000_000 + b".",
        "cut short": pickle.dumps([np.zeros(100)])[:-20],
        "no end": b"\x80\x04" + b"N0" * 10,
        "nothing": b"",
    }  # fmt: skip


def zipped(**entries: bytes) -> bytes:
    """A packed zip archive."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name.replace("__", "/"), content)
    return made.getvalue()


def _npy(header: str, content: bytes = b"") -> bytes:
    text = header.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + content


def arrays() -> dict[str, bytes]:
    """Single arrays that promise too much or hold objects."""
    out = {
        f"shape {shape} {kind}": _npy(f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}}}")
        for shape, kind in [
            ("(10000000000,)", "<f8"), ("(100000, 100000, 100000)", "<f4"), ("(10000000000, 0)", "<f8"), ("(10**12,)", "<f8"),
            ("(-1,)", "<f8"), ("(1,)", "|O"), ("(99999999999,)", "|S0"), ("(2,)", "<U999999999"), ("()", "|O"), ("(True,)", "<f8"),
            ("((1,),)", "<f8"), ("('a',)", "<f8"), ("(1,)" + "," * 5, "<f8"), ("__import__('os')", "<f8"),
        ]
    }  # fmt: skip
    objects = io.BytesIO()
    np.save(objects, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    out |= {
        "objects": objects.getvalue(), "deep header": _npy("(" * 9000), "minus header": _npy("-" * 9000 + "1"), "no array": b"none",
        "header too long": b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**31) + b"{", "nothing": b"",
        "nested type": _npy("{'descr': [('a', [('b', '<f8', (100000, 100000))])], 'fortran_order': False, 'shape': (1,)}"),
    }  # fmt: skip
    return out


def deflated(begin: bytes, megabytes: int) -> bytes:
    """A bare deflate stream of something and then of zeros, without packing them all: after a full flush each is packed alike."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(begin) + packer.flush(zlib.Z_FULL_FLUSH)
    megabyte = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    return packed + megabyte * megabytes + packer.flush()


def archives() -> dict[str, bytes]:
    """Files of arrays (npz) that promise too much."""
    big = _npy("{'descr': '|u1', 'fortran_order': False, 'shape': (1500000000,)}")
    body = deflated(big, 1431)
    bomb = _entry(b"y_test.npy", body, 1 << 31)
    out = {f"with {name}": zipped(**{"y_test.npy": content}) for name, content in arrays().items()}
    out |= {
        "bomb": bomb, "lies": _entry(b"y_test.npy", body[:1000], 10), "lies upwards": _entry(b"y_test.npy", body[:1000], 1 << 31),
        "a directory of garbage": b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 65535, 65535, 2**31, 0, 0), "no archive": b"PK",
        "other packing": _entry(b"y_test.npy", body[:100], 100, method=12), "locked": _entry(b"y_test.npy", body[:100], 100, flags=1),
    }  # fmt: skip
    return out


def _entry(name: bytes, packed: bytes, size: int, method: int = 8, flags: int = 0) -> bytes:
    """A zip archive of one entry that says what it likes of its size."""
    facts = struct.pack("<HHHHHIIIHH", 20, flags, method, 0, 0, zlib.crc32(b""), len(packed), size, len(name), 0)
    local = b"PK\x03\x04" + facts + name + packed
    central = b"PK\x01\x02" + struct.pack("<H", 20) + facts + struct.pack("<HHHII", 0, 0, 0, 0, 0) + name
    return local + central + b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(central), len(local), 0)


def documents() -> dict[str, bytes]:
    """JSON that is too deep, too wide or of the wrong form."""
    return {
        "deep lists": b"[" * 100_000 + b"]" * 100_000, "deep objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        "deep and open": b"[" * 100_000, "many": b"[" + b"[]," * 11_000_000 + b"1]", "digits": b'{"labels": ' + b"9" * 100_000 + b"}",
        "a number": b"5", "a text": b'"text"', "a list": b"[[1], {}, null]", "nothing": b"", "not utf-8": b'{"a": "\xff\xfe"}',
        "infinite": b'{"people": [{"pose_keypoints_2d": [1e999, NaN, -Infinity]}], "labels": [NaN]}', "null": b"null",
        "objects in lists": b'{"people": [1, 2], "images": 3, "labels": 5, "size": "x"}', "huge labels": b'{"labels": ["a", "b"], "size": 1e300}',
    }  # fmt: skip


def motions() -> dict[str, bytes]:
    """Motions in BVH that promise too much."""

    def bvh(joints: str, frames: str, step: str, values: str = "0 0 0 0 0 0\n") -> bytes:
        return (
            f"HIERARCHY\nROOT Hips\n{{\nOFFSET 0 0 0\nCHANNELS 6 Xposition Yposition Zposition Xrotation Yrotation Zrotation\n{joints}}}\n"
            f"MOTION\nFrames: {frames}\nFrame Time: {step}\n{values}"
        ).encode()

    body = "".join(f"JOINT {n}\n{{\nOFFSET 0 1 0\n}}\n" for n in ("Chest", "Neck", "Head", "LeftArm", "RightArm"))
    many = "".join(f"JOINT j{i}\n{{\nOFFSET 0 1 0\n}}\n" for i in range(30_000))
    row = "0 0 0 0 0 0\n"
    return {
        "frames": bvh(body, "1000000000", "0.01"), "frames beyond numbers": bvh(body, "9" * 5000, "0.01"),
        "channels": bvh(body.replace("OFFSET 0 1 0", "OFFSET 0 1 0\nCHANNELS 1000000000 Xrotation"), "1", "0.01"),
        "joints times frames": bvh(body + many, "10000", "0.01", row * 10_000), "slow": bvh(body, "2", "1e9", row * 2),
        "no end of a number": bvh(body, "1", "1" * 300_000), "infinite": bvh(body, "1", "1e999"), "negative": bvh(body, "1", "-1"),
        "not a number": bvh(body, "1", "nan"), "words": bvh(body, "1", "0.01", "a b c d e f\n"), "deep": bvh("JOINT a\n{\n" * 100_000, "1", "0.01"),
        "closed too often": bvh("}\n" * 1000, "1", "0.01"), "offset": bvh(body.replace("0 1 0", "0"), "1", "0.01"), "nothing": b"",
        "only words": b"HIERARCHY MOTION", "cut short": bvh(body, "5", "0.01", row), "binary": bytes(range(256)) * 10,
    }  # fmt: skip


def tables() -> dict[str, bytes]:
    """Texts with separators that promise more cells than they hold, or take long to take apart."""
    return {
        "wide and long": b",".join(b"c%d" % i for i in range(20_000)) + b"\n" + b"a\n" * 100_000, "one line": b"," * 3_000_000,
        "quotes": b'file,label\n"' + b'",",' * 100_000, "quotes in the head": b',"a' * 200_000 + b"\n1\n", "nothing": b"", "zeros": bytes(10_000),
        "lines": b"\n" * 200_000, "open quote": b'file,label\n"' + b"a" * 1_000_000, "binary": bytes(range(256)) * 100,
        "formula": b'file,label\n=cmd|"/c touch canary-of-a-hostile-file"!A1,joy\n', "ragged": b"a,b\n1\n1,2,3,4\n", "carriage returns": b"a,b\r" * 200_000,
    }  # fmt: skip


def parquets() -> dict[str, bytes]:
    """Parquet files that are small and long."""
    text = pa.DictionaryArray.from_arrays(pa.array(np.zeros(20_000, "i4")), pa.array(["x" * 200_000]))
    rows = pa.array(np.zeros(12_000_000, "i1"))
    lists = pa.ListArray.from_arrays(pa.array([0, 3_000_000], pa.int32()), pa.array(np.zeros(3_000_000)))
    out = {}
    for name, table in {
        "one long text many times": pa.table({"file": text, "label": text}),
        "rows": pa.table({"label": rows}),
        "texts of rows": pa.table({"text": lists, "label": ["joy"]}),
    }.items():
        made = io.BytesIO()
        pq.write_table(table, made, store_schema=False)
        out[name] = made.getvalue()
    for name, about in {"told in no utf-8": b"\xff\xfe", "told in brackets": b"[" * 100_000, "told of nothing": b"5"}.items():
        made = io.BytesIO()
        one = pa.table({"file": ["a.png"], "label": ["joy"]}).replace_schema_metadata(
            {b"pandas": about, b"affectlens.schema_version": b"2"}
        )
        pq.write_table(one, made)
        out[name] = made.getvalue()
    out |= {"cut short": out["rows"][:-100], "no end": out["rows"][:200], "nothing": b"", "head": b"PAR1" * 3}
    return out


def matlab() -> dict[str, bytes]:
    """MATLAB files of level 5 that promise too much."""

    def element(kind: int, content: bytes, size: int | None = None) -> bytes:
        content_size = len(content) if size is None else size
        return struct.pack("<II", kind, content_size) + content + bytes(-len(content) % 8)

    def array(kind: int, shape: tuple[int, ...], *content: bytes) -> bytes:
        flags = element(6, struct.pack("<II", kind, 0)) + element(5, np.array(shape, "<i4").tobytes()) + element(1, b"train")
        return element(14, flags + b"".join(content))

    head = b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack("<H", 0x0100) + b"IM"
    nested = element(14, b"")
    for _ in range(3000):
        nested = array(1, (1, 1), nested)
    bomb = zlib.compress(bytes(1 << 20) * 1, 9)
    start = element(14, b"", 2**31)
    checked = zlib.adler32(start)
    for _ in range(1100):
        checked = zlib.adler32(bytes(1 << 20), checked)
    zeros = b"\x78\xda" + deflated(start, 1100) + struct.pack(">I", checked)
    return {
        "numbers": head + array(6, (2**31 - 1, 2**31 - 1), element(9, bytes(8))), "cells": head + array(1, (2**31 - 1, 9)),
        "structures without fields": head + array(2, (2**31 - 1, 9), element(5, struct.pack("<i", 1)), element(1, b"")),
        "names of no length": head + array(2, (1, 1), element(5, struct.pack("<i", 0)), element(1, b"a")), "nested": head + nested,
        "element": head + element(14, b"", 2**31), "packed zeros": head + struct.pack("<II", 15, len(zeros)) + zeros, "objects": head + array(3, (1, 1)),
        "negative": head + array(6, (-5, 2), element(9, bytes(8))), "packed nothing": head + struct.pack("<II", 15, len(bomb)) + bomb,
        "function": head + array(16, (1, 1)), "sparse": head + array(5, (1, 1)), "opaque": head + array(17, (1, 1)), "nothing": b"",
        "type": head + array(6, (1, 1), element(99, bytes(8))), "random": head + np.random.default_rng(0).bytes(5000), "no matlab": b"x" * 300,
        "version 7.3": b"MATLAB 7.3 MAT-file".ljust(512) + b"\x89HDF",
    }  # fmt: skip


def checkpoints() -> dict[str, bytes]:
    """Checkpoints of torch whose pickle wants something else."""
    out = {f"archive with {name}": zipped(**{"archive/data.pkl": body}) for name, body in _few(pickles(), 25)}
    for new in (True, False):
        made = io.BytesIO()
        torch.save({"state_dict": {"w": torch.zeros(4)}}, made, _use_new_zipfile_serialization=new)
        good = made.getvalue()
        out |= {f"cut short {new}": good[:-40], f"without numbers {new}": good[: len(good) // 2]}
    size = b"\x8a\x06" + (10**12).to_bytes(6, "little")
    storage = b"(" + _text("storage") + _global("torch", "FloatStorage", 2) + _text("0") + _text("cpu") + size + b"tQ"
    tensor = _global("torch._utils", "_rebuild_tensor_v2", 2) + b"(" + storage + b"K\x00" + size + b"\x85K\x01\x85I0\nNtR"
    out["a tensor of 4 TB"] = zipped(**{"archive/data.pkl": b"\x80\x02" + tensor + b".", "archive/data/0": bytes(16)})
    wide = storage.replace(size, b"K\x04")
    strided = _global("torch._utils", "_rebuild_tensor_v2", 2) + b"(" + wide + b"K\x00" + size + b"\x85K\x00\x85I0\nNtR"
    out["a tensor that repeats itself"] = zipped(
        **{"archive/data.pkl": b"\x80\x02" + strided + b".", "archive/data/0": bytes(16)}
    )
    return out


def _few(files: dict[str, bytes], count: int) -> list[tuple[str, bytes]]:
    return list(itertools.islice(files.items(), 0, None, max(1, len(files) // count)))


def results() -> dict[str, dict[str, bytes]]:
    """Folders of results: what stands in each of their files."""
    head = {
        "schema_version": 2,
        "kind": "properties",
        "n": 1,
        "notes": [],
        "about": {},
        "scores": {},
        "file": "a",
        "problems": [],
        "seconds": {},
    }
    out = {}
    for name, content in documents().items():
        out[f"head {name}"] = {"provenance.json": content, "scores.json": content, "result.json": content}
        out[f"body {name}"] = {
            "provenance.json": json.dumps(head).encode(),
            "scores.json": json.dumps(head).encode(),
            "result.json": content,
        }
    for name, content in parquets().items():
        head_of_tables = json.dumps(head | {"job": {}}).encode()
        out[f"table {name}"] = {"provenance.json": head_of_tables, "table.parquet": content, "evidence.parquet": content}
    elsewhere = json.dumps({"scores": {"$table": "../../secret"}, "provenance": {"$array": "x"}}).encode()
    out["a table elsewhere"] = {"provenance.json": json.dumps(head).encode(), "result.json": elsewhere}
    return out
