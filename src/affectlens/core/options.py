"""What a run may be told, with the defaults that suit most recordings; every wrong value is an error before work begins."""

from __future__ import annotations

import importlib
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from affectlens.core.errors import UsageError
from affectlens.core.registry import declared, has_plugins
from affectlens.core.settings import Settings, folders, setting

# Languages that Whisper knows (Radford et al. 2022), ISO 639 codes.
LANGUAGES = (
    "af", "am", "ar", "as", "az", "ba", "be", "bg", "bn", "bo", "br", "bs", "ca", "cs", "cy", "da", "de", "el", "en",
    "es", "et", "eu", "fa", "fi", "fo", "fr", "gl", "gu", "ha", "haw", "he", "hi", "hr", "ht", "hu", "hy", "id", "is",
    "it", "ja", "jw", "ka", "kk", "km", "kn", "ko", "la", "lb", "ln", "lo", "lt", "lv", "mg", "mi", "mk", "ml", "mn",
    "mr", "ms", "mt", "my", "ne", "nl", "nn", "no", "oc", "pa", "pl", "ps", "pt", "ro", "ru", "sa", "sd", "si", "sk",
    "sl", "sn", "so", "sq", "sr", "su", "sv", "sw", "ta", "te", "tg", "th", "tk", "tl", "tr", "tt", "uk", "ur", "uz",
    "vi", "yi", "yo", "zh", "yue",
)  # fmt: skip


def registered(module: str, name: str, package: str, decorator: str) -> Callable[[], Iterable[str]]:
    """Names that a room above knows, looked up when they are needed: core itself imports nothing from above.

    Parameters
    ----------
    module, name : str
        Where they are once that room is in use, or where a plug-in may have brought some.
    package, decorator : str
        What registers those of this package; they are read from its source, which takes no networks to be imported.

    Returns
    -------
    callable
        Gives the names.
    """

    def names() -> Iterable[str]:
        if module not in sys.modules and not has_plugins():
            return tuple(declared(package, decorator))
        known = getattr(importlib.import_module(module), name)
        return tuple(known() if callable(known) else known)

    return names


# What the numbers of a model are; `models.scores` says what each means.
SCORES = ("softmax", "sigmoid", "binary", "probabilities", "independent", "binary-probability", "regression")
SCORES_HELP = f"What the numbers of a model that others made are: {', '.join(SCORES)}; by default what it says itself."
PREPROCESS_HELP = "A function that makes such a model's input of a picture, text or sound, instead of its own."


def named_function(spec: str) -> str:
    """What is wrong with the name of a function, or an empty text."""
    return "" if not spec or ":" in spec else "module:function was expected"


OWN_MODELS = ("face", "words", "voice")  # modalities for which a model of one's own can be given

CAMS = registered("affectlens.explainers.cam", "METHODS", "affectlens.explainers.cam", "register_cam")


def _at_least_one(value: tuple[str, ...]) -> str:
    return "" if value else "no modality given; for example --modalities face,words"


def _models(value: tuple[str, ...]) -> str:
    names = [entry.partition("=")[0] for entry in value]
    if not all(name in OWN_MODELS and entry.partition("=")[2] for name, entry in zip(names, value, strict=True)):
        return f"{', '.join(f'{name}=MODEL' for name in OWN_MODELS)} was expected"
    return "" if len(set(names)) == len(names) else "one model for each modality was expected"


def _labels(value: tuple[str, ...]) -> str:
    names = [entry.partition("=")[0] for entry in value]
    lists = [entry.partition("=")[2].split(",") for entry in value]
    if not all(name in OWN_MODELS and all(map(str.strip, labels)) for name, labels in zip(names, lists, strict=True)):
        return f"{', '.join(f'{name}=LABEL,LABEL' for name in OWN_MODELS)} was expected"
    return "" if len(set(names)) == len(names) else "the labels of one model for each modality were expected"


def _device(value: str) -> str:
    good = re.fullmatch(r"auto|cpu|mps|cuda(:\d+)?", value)
    return "" if good else "auto, cpu, mps, cuda or cuda:N was expected"


def _whole(value: int) -> str:
    return "" if isinstance(value, int) else "a whole number was expected"


def _place(value: str) -> str:
    good = not value or re.fullmatch(r"[a-z0-9_]{2,60}", re.sub(r"[\s\-/]+", "_", value.strip().lower()))
    return "" if good else "a kind of place such as office, street or waiting_room was expected"


def _when(value: str) -> str:
    plain = re.sub(r"^(\d{4}):(\d\d):(\d\d)", r"\1-\2-\3", value.strip()).replace("Z", "+00:00")
    try:
        datetime.fromisoformat(plain or "2000-01-01")
    except ValueError:
        return "a time was expected, for example 2024-05-17 14:30"
    return ""


def _covers(value: tuple[str, ...]) -> str:
    if not value:
        return ""
    wrong = importlib.import_module("affectlens.perception.face.covering").wrong_covers
    return str(wrong(value))


def _file(value: str) -> str:
    return "" if not value or Path(value).is_file() else "no such file"


def _new_file(value: str) -> str:
    if not value:
        return ""
    if Path(value).is_dir():
        return "this is a folder; a file was expected"
    return "" if Path(value).absolute().parent.is_dir() else f"the folder {Path(value).parent} is not there"


@dataclass(frozen=True)
class Options(Settings):
    """Settings of one run, see ``affectlens explain --help``.

    Raises
    ------
    UsageError
        A value that is not allowed.

    Examples
    --------
    >>> Options(modalities=("face",), rate=2.0).window
    1.0
    >>> Options(rate=0.0)
    Traceback (most recent call last):
    affectlens.core.errors.UsageError: --rate 0.0: a number from 0.1 to 60 was expected
    """

    modalities: tuple[str, ...] = setting(
        ("face", "words", "voice", "scene"),
        "Modalities to read.",
        choices=registered("affectlens.modalities.base", "modality_names", "affectlens.modalities", "register_modality"),
        check=_at_least_one,
    )
    language: str | None = setting(
        None, "Spoken language as a code such as en or de; detected when absent.", choices=LANGUAGES, metavar="CODE"
    )
    voices: int = setting(
        0, "How many people speak in a recording without a picture; 0 finds out.", least=0, most=20, check=_whole
    )
    translate: bool = setting(
        False, "Have Whisper translate what is not English into English, and read that; the row says so. Often inexact."
    )
    device: str = setting("auto", "auto, cpu, cuda:N or mps.", check=_device)
    seed: int = setting(0, "Seed of everything random.", least=0, most=2**32 - 1, check=_whole)
    rate: float = setting(5.0, "Sampled frames a second, by time whatever the recording's own rate.", least=0.1, most=60)
    window: float = setting(1.0, "Length of a segment in seconds.", least=0.2, most=60)
    cam_method: str = setting("hirescam", "Map that explains the face.", choices=CAMS)
    orders: int = setting(
        19,
        "Random orders of each such test at most; beyond 19 drawing ends as soon as the answer is clear.",
        least=19,
        most=9999,
    )
    faithfulness: int = setting(
        2, "Face segments of each person whose explanation is tested by deletion and insertion.", least=0, check=_whole
    )
    threads: int = setting(
        2,
        "Threads of the word recogniser and the finders of people and things; no number depends on them. Networks have one.",
        least=1,
        most=256,
        check=_whole,
    )
    place: str = setting("", "Kind of place, such as office or street; else from the file's name.", check=_place)
    when: str = setting(
        "", "When it was recorded, such as 2024-05-17 14:30; else from EXIF or the container.", check=_when, metavar="TIME"
    )
    store: str = setting(
        "", "A file that keeps what was recognised where and when, to compare with (SQLite).", check=_new_file, metavar="FILE"
    )
    prior: str = setting(
        "", "What is usual elsewhere, to compare with: findingemo (CC BY-NC-SA 4.0).", choices=("", "findingemo")
    )
    use_usual: bool = setting(False, "Let what is usual here take part in the fused answer; its weight is shown.")
    places: str = setting(
        "", "Folder of an official Places365 checkpoint, to infer places with.", check=folders, metavar="FOLDER"
    )
    pairs: str = setting(
        "", "Folder of a classifier of adjective-noun pairs (model.onnx, classes.json).", check=folders, metavar="FOLDER"
    )
    model: tuple[str, ...] = setting(
        (),
        "A model of your own for face, words or voice, as MODALITY=MODEL: ONNX or TorchScript, a folder of transformers, "
        "module:name, or weights of ours that you fitted (safetensors; for the voice those of `train speech`); once for each "
        "modality.",
        check=_models,
        metavar="MODALITY=MODEL",
    )
    model_labels: tuple[str, ...] = setting(
        (),
        "Classes of such a model in the order of its answers, as MODALITY=LABEL,LABEL,…, where no file beside it says them; "
        "once for each modality.",
        check=_labels,
        metavar="MODALITY=LABEL,…",
    )
    model_scores: str = setting("", SCORES_HELP, choices=("", *SCORES))
    model_preprocess: str = setting("", PREPROCESS_HELP, check=named_function, metavar="MODULE:FUNCTION")
    background: str = setting(
        "", "Weights of a background network, for --modalities …,background.", check=_file, metavar="FILE"
    )
    transcript: str = setting(
        "",
        "A transcript.json of an earlier run, corrected perhaps, to read instead of listening for words.",
        check=_file,
        metavar="FILE",
    )
    cover: tuple[str, ...] = setting(
        (),
        "Blur a part of the picture before it is read: LEFT:TOP:WIDTH:HEIGHT as shares of the frame, or mouth, eyes, brows, "
        "nose, face (of person 0 alone: mouth#0), with @START-END in seconds.",
        check=_covers,
        metavar="PART",
    )
    anonymous: bool = setting(
        False,
        "Write nothing that tells who or what it was: no name or path of the recording, no pictures, no words, faces blurred "
        "in the overlay. Faces that no finder sees stay: look at it before you pass it on.",
    )
    keep_words: bool = setting(False, "With --anonymous, keep what was said.")
    fusion: str = setting("early", "early (a network over deep features) or pool (of opinions).", choices=("early", "pool"))

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.use_usual and not (self.store or self.prior):
            raise UsageError("--use-usual needs what is usual: give --store FILE or --prior findingemo")
        if self.keep_words and not self.anonymous:
            raise UsageError("--keep-words goes with --anonymous; without that what was said is kept")
        if self.anonymous and self.store:
            raise UsageError("--store remembers recordings by their names: leave it out with --anonymous")


def torch_device(name: str) -> str:
    """The torch device that a name stands for.

    Parameters
    ----------
    name : str
        ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.

    Returns
    -------
    str
        As torch takes it.

    Raises
    ------
    UsageError
        One that is not there; the message says what is.
    """
    import torch

    cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    if name == "auto":
        return "cuda" if cuda else "cpu"
    known = ["auto", "cpu", *(f"cuda:{number}" for number in range(torch.cuda.device_count())), *(["mps"] if mps else [])]
    if name == "cuda" and cuda:
        return "cuda:0"
    if name not in known:
        raise UsageError(f"--device {name!r} is not available here; available: {', '.join(known)}")
    return name


def given_for(entries: Iterable[str], modality: str) -> str:
    """What ``MODALITY=VALUE`` entries, as of ``--model``, say of one modality; empty where they say nothing.

    Returns
    -------
    str
        The value.

    Examples
    --------
    >>> given_for(("face=net.onnx",), "face"), given_for(("face=net.onnx",), "words")
    ('net.onnx', '')
    """
    return dict(entry.partition("=")[::2] for entry in entries).get(modality, "")


def fitted_weights(spec: str) -> Path | None:
    """The file that a model's name names where it is one of weights of ours, such as ``affectlens train`` writes.

    Returns
    -------
    Path or None
        None for what is no safetensors file.

    Examples
    --------
    >>> fitted_weights("mine.onnx") is None
    True
    """
    path = Path(spec)
    return path if path.suffix == ".safetensors" and path.is_file() else None


def allowed_threads(count: int) -> int:
    """As many of ``count`` threads as OpenMP may have, by ``OMP_THREAD_LIMIT``.

    A library that asks for more gets no error: CTranslate2 computes nonsense, and torch's backward pass can wait for ever.

    Returns
    -------
    int
        ``count``, or the limit where it is lower.

    Examples
    --------
    >>> allowed_threads(1)
    1
    """
    limit = os.environ.get("OMP_THREAD_LIMIT", "")
    return min(count, int(limit)) if limit.isdecimal() and int(limit) > 0 else count


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Run torch on so many threads inside; afterwards it has as many as before.

    Small networks are slower on more than one, and on one their numbers do not depend on the machine's cores.

    Raises
    ------
    UsageError
        Less than one.
    """
    import torch

    if count < 1:
        raise UsageError(f"--threads {count}: a number of at least 1 was expected")
    before = torch.get_num_threads()
    torch.set_num_threads(allowed_threads(count))
    try:
        yield
    finally:
        torch.set_num_threads(before)
