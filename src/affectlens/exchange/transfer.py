"""`affectlens.export` and `affectlens.import_annotations`: annotations out of runs, and in from files of others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from affectlens.core.barrier import reading
from affectlens.core.disk.files import make_folder, write_whole
from affectlens.core.disk.names import safe_name
from affectlens.core.errors import MediaError, UsageError
from affectlens.exchange.annotations import Annotations
from affectlens.exchange.registry import FORMATS, Format, chosen, held
from affectlens.exchange.runs import annotations_of


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes
    ----------
    files : tuple of Path
        Files, or folders of formats that are folders.
    lost : tuple of str
        What could not be held, counted.
    """

    files: tuple[Path, ...]
    lost: tuple[str, ...]


def export(runs: Any, to: str, out: str | Path | None = None) -> Exported:
    """Write annotations in a format of other programs.

    Parameters
    ----------
    runs : path, Run, Result, DataFrame, Annotations, or several of them
        Folders of ``explain``, tables of ``recognize``, what these give in Python, or annotations.
    to : str
        A format, see ``affectlens export --help``.
    out : path, optional
        Folder for the files, one a recording, or the file itself where one is enough. By default
        ``affectlens-export``; of an RO-Crate the folder of the run itself.

    Returns
    -------
    Exported
        Files, and what the format could not hold.

    Raises
    ------
    UsageError
        No such format, or nothing to export.
    OutputError
        A file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from affectlens.exchange.annotations import Segment
    >>> made = Annotations((Segment("talk.mp4", 0, 1.5, "happiness", "face", "0", "affectlens", 0.9),))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     done = export(made, "srt", Path(folder) / "talk.srt")
    ...     print(done.files[0].read_text().splitlines()[1:3], done.lost)
    ['00:00:00,000 --> 00:00:01,500', '[face@0/affectlens] happiness'] ('SubRip (.srt): 1 segments lose their confidence',)
    """
    form = FORMATS.get(to)
    annotations = runs if isinstance(runs, Annotations) else annotations_of(_several(runs))
    made = held(annotations, form)
    place = _place(out, form, runs)
    if form.several:
        if not form.is_folder and (out is None or place.is_dir() or not place.suffix):
            place = place / f"annotations{form.suffix}"
        return Exported((_write(made, form, place),), made.notes)
    is_file = not form.is_folder and out is not None and not place.is_dir() and place.name.lower().endswith(form.ending)
    if is_file and len(made.files) == 1:
        return Exported((_write(made, form, place),), made.notes)
    names = _names(made.files, form)
    return Exported(tuple(_write(made.of(file), form, place / name) for file, name in names), made.notes)


def _several(runs: Any) -> Iterable[Any]:
    return runs if isinstance(runs, list | tuple) else [runs]


def _place(out: str | Path | None, form: Format, runs: Any) -> Path:
    if out is not None:
        return Path(out)
    if form.name == "ro-crate":
        given = list(_several(runs))
        if len(given) == 1 and isinstance(given[0], str | Path) and Path(given[0]).is_dir():
            return Path(given[0])
        raise UsageError("--to ro-crate describes the folder of one run where it lies: give one such folder, or --out")
    return Path("affectlens-export")


def _names(files: Iterable[str], form: Format) -> Iterator[tuple[str, str]]:
    """A name for each recording's file: its own without folders, with these where two are alike."""
    listed = list(files)
    stems = [Path(file).stem for file in listed]
    for file, stem in zip(listed, stems, strict=True):
        name = stem if stems.count(stem) == 1 else str(Path(file).with_suffix(""))
        plain = safe_name(name.replace("/", "_")) if name else "annotations"
        yield file, f"{plain}{form.suffix}"


def _write(annotations: Annotations, form: Format, path: Path) -> Path:
    if form.is_folder:
        form.write(annotations, make_folder(path))
    else:
        write_whole(path, lambda partial: form.write(annotations, partial))
    if form.beside is not None:
        form.beside(annotations, path)
    return path


def import_annotations(path: str | Path, as_: str = "", file: str = "") -> Annotations:
    r"""Read annotations that other programs or people made.

    Parameters
    ----------
    path : path
        A file, or the folder of a format that is one.
    as_ : str
        The format; by the file's suffix where it is not given.
    file : str
        The recording, for formats that do not name it; by default the name of the file without its suffix.

    Returns
    -------
    Annotations
        Ordered by time; the notes count what was left out.

    Raises
    ------
    UsageError
        No such format, or a suffix that does not tell it.
    MediaError
        The file cannot be read; the message names the line where there is one.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "talk.srt").write_text("1\n00:00:01,000 --> 00:00:02,500\nHello!\n")
    ...     import_annotations(Path(folder) / "talk.srt").segments[0].value
    'Hello!'
    """
    path = Path(path)
    form = chosen(as_, path)
    if not path.exists():
        raise MediaError(f"{path}: no such file; {form.title} was expected")
    if path.is_dir() != form.is_folder and not (form.is_folder and path.suffix):
        what = "folder" if path.is_dir() else "file"
        raise MediaError(f"{path}: a {what}; {form.title} was expected, which is a {'folder' if form.is_folder else 'file'}")
    with reading(path, form.title):
        made = form.read(path)
    own = file or path.name.removesuffix(form.suffix or "\0")
    if own == path.name and form.suffix:
        own = path.stem
    return _of_recording(made, own).ordered()


def _of_recording(annotations: Annotations, name: str) -> Annotations:
    """The same, with the recording's name where the format does not tell it."""
    segments = tuple(replace(one, file=one.file or name) for one in annotations.segments)
    files = tuple(dict.fromkeys(file or name for file in annotations.files)) or (name,)
    return replace(annotations, segments=segments, files=files)
