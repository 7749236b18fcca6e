"""Pickles as data: a machine for the format's instructions that imports nothing and calls nothing of a file's choice.

Python's own unpickler imports what a file names and calls it with what the file gives. This one knows containers, numbers and
text, and makes what stands in a table of exact names (see ``pickled.NUMPY``); every other instruction is an error.
"""

from __future__ import annotations

import codecs
import struct
from collections.abc import Callable, Mapping
from os import PathLike
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, ClassVar

from affectlens.core.limits import within
from affectlens.core.untrusted.pickled import NUMPY, Known, Unbuilt, checked_key
from affectlens.core.untrusted.weight import Settled, file_within

Names = Mapping[tuple[str, str], Known]
STEP, LIST, DICT, SET = 40, 200, 300, 900  # bytes that an instruction and what it makes count: more than they take
LONGEST_INTEGER = 256  # bytes


def read_pickle(path: str | PathLike[str], names: Names = NUMPY) -> Any:
    """Read a pickle of arrays, numbers, text and plain containers, of any protocol, also one of Python 2.

    Parameters
    ----------
    path : path
        The file.
    names : mapping of (str, str) to Known
        Module and name of everything that may be made beside containers, numbers and text.

    Returns
    -------
    Any
        What was pickled; an ordered dictionary comes back as a dictionary, text of Python 2 as latin-1.

    Raises
    ------
    UnpicklingError
        It is no whole pickle, or it asks for anything that is not in ``names``; call it inside ``barrier.reading``.
    LimitError
        It would take more than ``limits.Limits.bytes`` in memory.
    """
    file_within(path)
    return Machine(Path(path).read_bytes(), path, names).load()


class Machine:
    """Carries out the instructions of one pickle after the other.

    Parameters
    ----------
    data : bytes
        What holds them.
    path : path
        Its file, for messages.
    names : mapping
        See ``read_pickle``.
    outside : callable, optional
        Makes what a pickle refers to outside of itself (its persistent identifiers); without it they are an error.
    at : int
        Where in ``data`` the pickle begins.

    Attributes
    ----------
    at : int
        Where the next instruction stands; behind the pickle once ``load`` is done.
    """

    def __init__(
        self,
        data: bytes,
        path: str | PathLike[str],
        names: Names = NUMPY,
        outside: Callable[[Any], Any] | None = None,
        at: int = 0,
    ) -> None:
        self.data, self.path, self.names, self.outside, self.at = data, path, names, outside, at
        self.stack: list[Any] = []
        self.marks: list[list[Any]] = []
        self.memo: dict[int, Any] = {}
        self.spent = self._checked = 0

    def load(self) -> Any:
        """Carry out the instructions up to the end of the pickle.

        Returns
        -------
        Any
            What was pickled.

        Raises
        ------
        UnpicklingError
            See ``read_pickle``.
        """
        acts, data, size = self._ACTS, self.data, len(self.data)
        while self.at < size:
            code = data[self.at]
            if code == _FLOAT and self.at + 9 <= size:  # most of what a large file holds, so without a call
                self.stack.append(_unpack_float(data, self.at + 1)[0])
                self.at += 9
            else:
                self.at += 1
                if code == _STOP:
                    break
                if code not in acts:
                    raise UnpicklingError(_REFUSED.get(code, f"{code:#x} is no instruction of a pickle"))
                acts[code](self)
            self.spent += STEP
            if self.spent > self._checked:
                within("bytes", self.spent, self.path)
                self._checked = self.spent + 1_000_000
        else:
            raise UnpicklingError("it is cut short")
        value = self._pop()
        return Settled(self.path)(value)[0]

    def _take(self, count: int) -> bytes:
        end = self.at + count
        if count < 0 or end > len(self.data):
            raise UnpicklingError("it is cut short, or promises more than is in it")
        part = self.data[self.at : end]
        self.at = end
        self.spent += count
        return part

    def _line(self) -> bytes:
        end = self.data.find(b"\n", self.at)
        if end < 0:
            raise UnpicklingError("it is cut short")
        return self._take(end + 1 - self.at)[:-1]

    def _number(self, form: str) -> Any:
        return struct.unpack(form, self._take(struct.calcsize(form)))[0]

    def _pop(self) -> Any:
        if not self.stack:
            raise UnpicklingError("an instruction takes more than there is")
        return self.stack.pop()

    def _top(self, kind: type) -> Any:
        if not self.stack or type(self.stack[-1]) is not kind:
            raise UnpicklingError(f"entries are added to something that is no {kind.__name__}")
        return self.stack[-1]

    def _since_mark(self) -> list[Any]:
        if not self.marks:
            raise UnpicklingError("an instruction takes more than there is")
        items, self.stack = self.stack, self.marks.pop()
        return items

    def _push(self, value: Any, cost: int = 0) -> None:
        self.stack.append(value)
        self.spent += cost

    # Instructions, by what they do.

    def _protocol(self) -> None:
        if self._number("<B") > 5:
            raise UnpicklingError("a protocol above 5")

    def _mark(self) -> None:
        self.marks.append(self.stack)
        self.stack = []
        self.spent += LIST

    def _frame(self) -> None:
        if self._number("<Q") > len(self.data) - self.at:
            raise UnpicklingError("it is cut short, or promises more than is in it")

    def _forget(self) -> None:
        self._since_mark()

    def _pop_one(self) -> None:
        if self.stack:
            self.stack.pop()
        else:
            self._since_mark()

    def _integer_text(self) -> None:
        text = self._line()
        self._push({b"00": False, b"01": True}[text] if text in (b"00", b"01") else int(text))

    def _long(self, size: int) -> None:
        if not 0 <= size <= LONGEST_INTEGER:
            raise UnpicklingError(f"an integer of {size} bytes")
        self._push(int.from_bytes(self._take(size), "little", signed=True))

    def _string_text(self) -> None:
        text = self._line().strip()
        if len(text) < 2 or text[:1] != text[-1:] or text[:1] not in b"'\"":
            raise UnpicklingError("a text without quotes")
        self._push(codecs.escape_decode(text[1:-1])[0].decode("latin1"))

    def _text(self, form: str, encoding: str = "utf-8") -> None:
        size = self._number(form)
        self._push(self._take(size).decode(encoding, "surrogatepass" if encoding == "utf-8" else "strict"))

    def _tuple(self, count: int) -> None:
        self._push(tuple(self._pop() for _ in range(count))[::-1])

    def _append(self) -> None:
        value = self._pop()
        self._top(list).append(value)

    def _appends(self) -> None:
        items = self._since_mark()
        self._top(list).extend(items)

    def _set_item(self) -> None:
        value, key = self._pop(), self._pop()
        self._top(dict)[checked_key(key)] = value

    def _set_items(self) -> None:
        self._top_dict_update(self._since_mark())

    def _top_dict_update(self, items: list[Any]) -> None:
        self._top(dict).update(_pairs(items))

    def _add_items(self) -> None:
        items = self._since_mark()
        self._top(set).update(map(checked_key, items))

    def _remember(self, number: int) -> None:
        if not self.stack:
            raise UnpicklingError("an instruction takes more than there is")
        self.memo[number] = self.stack[-1]
        self.spent += DICT

    def _recall(self, number: int) -> None:
        if number not in self.memo:
            raise UnpicklingError(f"it refers to entry {number}, which is not there")
        self._push(self.memo[number])

    def _name(self, module: Any, name: Any) -> None:
        known = self.names.get((module, name)) if isinstance(module, str) and isinstance(name, str) else None
        if known is None or "." in name:
            raise UnpicklingError(f"it asks for {module!s:.80}.{name!s:.80}, which data does not need and which could run code")
        self._push(known)

    def _name_text(self) -> None:
        self._name(self._line().decode(), self._line().decode())

    def _name_stack(self) -> None:
        name, module = self._pop(), self._pop()
        self._name(module, name)

    def _reduce(self) -> None:
        arguments, known = self._pop(), self._pop()
        if not isinstance(known, Known) or not isinstance(arguments, tuple):
            raise UnpicklingError("it calls something that is not known")
        self._push(known.make(self, *arguments))

    def _build(self) -> None:
        state = self._pop()
        target = self.stack[-1] if self.stack else None
        if isinstance(target, Unbuilt):
            target.build(self, state)
        elif not (type(target) is dict and isinstance(state, dict)):  # attributes of an ordered dictionary are not needed
            raise UnpicklingError("it sets the state of something that has none")

    def _refer(self, name: Any) -> None:
        if self.outside is None:
            raise UnpicklingError("it refers to something outside of the file")
        self._push(self.outside(name))

    _ACTS: ClassVar[dict[int, Callable[[Machine], None]]] = {}


def _pairs(items: list[Any]) -> list[tuple[Any, Any]]:
    if len(items) % 2:
        raise UnpicklingError("a key without a value")
    return [(checked_key(key), value) for key, value in zip(items[::2], items[1::2], strict=True)]


_STOP, _FLOAT = ord("."), ord("G")
_unpack_float = struct.Struct(">d").unpack_from
_OF_CLASSES = {ord("i"): "INST", ord("o"): "OBJ", 0x81: "NEWOBJ", 0x92: "NEWOBJ_EX"}
_OF_THE_PROGRAM = {0x82: "EXT1", 0x83: "EXT2", 0x84: "EXT4", 0x97: "NEXT_BUFFER", 0x98: "READONLY_BUFFER"}
_REFUSED = {
    **{code: f"the instruction {name} makes an object of a class, which could run code" for code, name in _OF_CLASSES.items()},
    **{code: f"the instruction {name} asks the program for what it holds" for code, name in _OF_THE_PROGRAM.items()},
}
Machine._ACTS.update(
    {
        0x80: Machine._protocol,
        0x95: Machine._frame,
        ord("("): Machine._mark,
        ord("0"): Machine._pop_one,
        ord("1"): Machine._forget,
        ord("2"): lambda machine: machine._push(machine.stack[-1]),
        ord("N"): lambda machine: machine._push(None),
        0x88: lambda machine: machine._push(True),
        0x89: lambda machine: machine._push(False),
        ord("I"): Machine._integer_text,
        ord("J"): lambda machine: machine._push(machine._number("<i")),
        ord("K"): lambda machine: machine._push(machine._number("<B")),
        ord("M"): lambda machine: machine._push(machine._number("<H")),
        ord("L"): lambda machine: machine._push(int(machine._line().rstrip(b"L"))),
        0x8A: lambda machine: machine._long(machine._number("<B")),
        0x8B: lambda machine: machine._long(machine._number("<i")),
        ord("F"): lambda machine: machine._push(float(machine._line())),
        ord("G"): lambda machine: machine._push(machine._number(">d")),
        ord("S"): Machine._string_text,
        ord("T"): lambda machine: machine._text("<i", "latin1"),
        ord("U"): lambda machine: machine._text("<B", "latin1"),
        ord("V"): lambda machine: machine._push(machine._line().decode("raw-unicode-escape")),
        ord("X"): lambda machine: machine._text("<I"),
        0x8C: lambda machine: machine._text("<B"),
        0x8D: lambda machine: machine._text("<Q"),
        ord("B"): lambda machine: machine._push(machine._take(machine._number("<I"))),
        ord("C"): lambda machine: machine._push(machine._take(machine._number("<B"))),
        0x8E: lambda machine: machine._push(machine._take(machine._number("<Q"))),
        0x96: lambda machine: machine._push(bytearray(machine._take(machine._number("<Q")))),
        ord("]"): lambda machine: machine._push([], LIST),
        ord("l"): lambda machine: machine._push(machine._since_mark(), LIST),
        ord("}"): lambda machine: machine._push({}, DICT),
        ord("d"): lambda machine: machine._push(dict(_pairs(machine._since_mark())), DICT),
        0x8F: lambda machine: machine._push(set(), SET),
        0x91: lambda machine: machine._push(frozenset(map(checked_key, machine._since_mark())), SET),
        ord(")"): lambda machine: machine._push(()),
        0x85: lambda machine: machine._tuple(1),
        0x86: lambda machine: machine._tuple(2),
        0x87: lambda machine: machine._tuple(3),
        ord("t"): lambda machine: machine._push(tuple(machine._since_mark()), LIST),
        ord("a"): Machine._append,
        ord("e"): Machine._appends,
        ord("s"): Machine._set_item,
        ord("u"): Machine._set_items,
        0x90: Machine._add_items,
        ord("p"): lambda machine: machine._remember(int(machine._line())),
        ord("q"): lambda machine: machine._remember(machine._number("<B")),
        ord("r"): lambda machine: machine._remember(machine._number("<I")),
        0x94: lambda machine: machine._remember(len(machine.memo)),
        ord("g"): lambda machine: machine._recall(int(machine._line())),
        ord("h"): lambda machine: machine._recall(machine._number("<B")),
        ord("j"): lambda machine: machine._recall(machine._number("<I")),
        ord("c"): Machine._name_text,
        0x93: Machine._name_stack,
        ord("R"): Machine._reduce,
        ord("b"): Machine._build,
        ord("P"): lambda machine: machine._refer(machine._line().decode()),
        ord("Q"): lambda machine: machine._refer(machine._pop()),
    }
)
