"""What a run may be told, with the defaults that suit most recordings."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from affectlens.core.errors import UsageError


@dataclass(frozen=True)
class Options:
    """Settings of one run.

    ``rate`` is sampled frames a second, ``window`` the length of a segment in seconds, ``language`` an ISO 639-1 code or
    None to detect it, ``device`` one of auto, cpu, cuda:N, mps. ``cam_method`` names the map that explains the face.
    ``faithfulness`` is how many face segments of each person are tested by deletion and insertion. ``store`` is the file of
    what is usual, ``place`` and ``when`` say where and when the recording was made, where it does not say so itself.
    ``prior`` names what is usual elsewhere (``findingemo``); with ``use_usual`` what is usual takes part in the fused answer,
    with a weight and a share that are shown. ``places`` is the folder of an official Places365 checkpoint, ``pairs`` that of a
    classifier of adjective-noun pairs, ``background`` the weights of a background network.
    ``fusion`` is early (a network over deep features) or pool (of opinions).
    """

    modalities: tuple[str, ...] = ("face", "words", "voice", "gait", "scene")
    language: str | None = None
    device: str = "auto"
    seed: int = 0
    rate: float = 5.0
    window: float = 1.0
    cam_method: str = "hirescam"
    faithfulness: int = 2
    threads: int = 2
    place: str = ""
    when: str = ""
    store: str = ""
    prior: str = ""
    use_usual: bool = False
    places: str = ""
    pairs: str = ""
    background: str = ""
    fusion: str = "early"

    def __post_init__(self) -> None:
        if not self.modalities:
            raise UsageError("no modality given; for example --modalities face,words")
        if not 0.1 <= self.rate <= 60:
            raise UsageError(f"--rate {self.rate} is outside 0.1 to 60 frames a second")
        if not 0.2 <= self.window <= 60:
            raise UsageError(f"--window {self.window} is outside 0.2 to 60 seconds")
        if self.fusion not in ("early", "pool"):
            raise UsageError(f"--fusion {self.fusion!r}: early or pool was expected")
        if self.prior not in ("", "findingemo"):
            raise UsageError(f"--prior {self.prior!r} is not known; findingemo is, or leave it out")
        if self.use_usual and not (self.store or self.prior):
            raise UsageError("--use-usual needs what is usual: give --store FILE or --prior findingemo")
        if self.language is not None and not (self.language.isalpha() and len(self.language) in (2, 3)):
            raise UsageError(f"--language {self.language!r} is not a language code such as en, de or pl")

    def to_dict(self) -> dict[str, object]:
        """Plain JSON types, for the provenance."""
        return asdict(self)


def torch_device(name: str) -> str:
    """The torch device that a name stands for; one that is not there is an error that says what is."""
    import torch

    cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    if name == "auto":
        return "cuda" if cuda else "cpu"
    known = ["auto", "cpu", *(f"cuda:{i}" for i in range(torch.cuda.device_count())), *(["mps"] if mps else [])]
    if name == "cuda" and cuda:
        return "cuda:0"
    if name not in known:
        raise UsageError(f"--device {name!r} is not available here; available: {', '.join(known)}")
    return name
