"""Small inputs on which tools of this kind go wrong, with the answer that is right for each: one line a file.

``AFFECTLENS_CASES=FOLDER python -m benchmarks cases``; the folder (``shared/cases`` beside this repository by default) holds
media, pictures, audio, tables and corpora. A case is right where the answer is the one that is wanted, or where it is refused
by an error that names what is wrong.
"""

from __future__ import annotations

import os
import tempfile
import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

import affectlens
from affectlens.core.errors import AffectlensError
from affectlens.corpora.survey import survey
from affectlens.media.frames import Problems, frames
from affectlens.media.pictures.images import read_image
from affectlens.media.sound.track import pieces

HERE = Path(os.environ.get("AFFECTLENS_CASES", Path(__file__).resolve().parents[2] / "shared" / "cases"))
FRAME = 0.04  # seconds
Answer = tuple[str, bool]  # what this package says, and whether that is right


def run() -> Iterator[tuple[str, str, str, bool | None]]:
    """Every case there is, with what is wanted of it."""
    if not HERE.is_dir():
        yield f"no folder of cases at {HERE}", "", "", None
        return
    files = sorted(path.relative_to(HERE).as_posix() for path in HERE.rglob("*") if path.is_file() and path.suffix != ".md")
    wrong = 0
    for file in files:
        wanted, answer = CASES.get(
            file, ("a check in benchmarks/cases.py", lambda path: ("no check knows of this file", False))
        )
        try:
            text, right = answer(HERE / file)
        except AffectlensError as error:
            text, right = f"refused: {error}", False
        wrong += not right
        yield file, text.replace(f"{HERE}/", ""), wanted, right
    yield "cases, and wrong ones", f"{len(files)}, {wrong}", "0", wrong == 0


def unknown(path: Path) -> Answer:
    """A file that nobody has said of what is right."""
    return f"no check knows of {path.name}", False


def recognised(path: Path, *modalities: str) -> Any:
    """One recording's result."""
    run = affectlens.recognize([str(path)], modalities=modalities)
    if run.failures:
        raise AffectlensError(str(next(iter(run.failures.values()))))
    return run.results[0]


def neutral(path: Path) -> Answer:
    """The person of the sample clip, seen as a player shows it."""
    table = recognised(path, "face").table
    rows = table[(table.modality == "face") & (table.status == "ok")]
    people, mean = rows.person.nunique(), float(rows.p_neutral.mean())
    return f"{people} person, neutral {mean:.2f}", people == 1 and abs(mean - 0.90) < 0.02


def flashes(path: Path) -> np.ndarray:
    """Seconds at which the picture becomes bright."""
    seen = [(frame.time, frame.image.mean()) for frame in frames(path)]
    bright = np.array([light for _, light in seen])
    on = bright > (bright.min() + bright.max()) / 2
    return np.array([time for time, _ in seen])[on & ~np.r_[False, on[:-1]]]


def beeps(path: Path) -> np.ndarray:
    """Seconds at which a sound begins."""
    parts = list(pieces(path, Problems()))
    sound, rate = np.concatenate([part.samples.mean(axis=0) for part in parts]), parts[0].rate
    loud = np.flatnonzero(np.abs(sound) > np.abs(sound).max() / 4) / rate
    return np.asarray(loud[np.diff(loud, prepend=-1.0) > 0.2])


def apart(seconds: float) -> Callable[[Path], Answer]:
    """Whether beeps lie so many seconds behind flashes."""

    def answer(path: Path) -> Answer:
        seen, heard = flashes(path), beeps(path)
        count = min(len(seen), len(heard))
        off = heard[:count] - seen[:count]
        right = count > 5 and bool(np.all(np.abs(off - seconds) < FRAME))
        return f"flashes from {seen[0]:.2f} s on, beeps {off.min():.2f} to {off.max():.2f} s behind them", right

    return answer


def joined(path: Path) -> Answer:
    """All frames, in order of time."""
    problems = Problems()
    times = [frame.time for frame in frames(path, problems=problems)]
    noted = any("start again" in note for note in problems.notes)
    return f"{len(times)} frames to {times[-1]:.1f} s" + ", noted" * noted, len(times) == 104 and noted and times[-1] > 4


def gap(path: Path) -> Answer:
    """Windows without a frame are missing."""
    result = recognised(path, "face")
    rows = result.table[result.table.modality == "face"]
    inside = rows[(rows.start >= 2) & (rows.end <= 20)]
    lost = int((inside.status == "missing").sum())
    noted = any("no picture from" in note for note in result.problems)
    return f"{lost} of {len(inside)} windows in the gap missing" + ", noted" * noted, lost == len(inside) > 10 and noted


def long_gap(path: Path) -> Answer:
    """No frame is looked at again and again, and no window of the gap is taken for a picture."""
    problems = Problems()
    sampled = len(list(frames(path, 5.0, problems)))
    result = recognised(path, "face")
    rows = result.table[result.table.modality == "face"]
    return f"{sampled} sampled frames, {len(rows)} rows; {'; '.join(problems.notes)}", sampled < 30 and bool(problems.notes)


def several(path: Path) -> Answer:
    """All pictures, or the first with a note."""
    result = recognised(path, "face")
    windows = int((result.table.modality == "face").sum())
    noted = any("the first was read" in note for note in result.problems)
    return f"{windows} windows" + ", the first, noted" * noted, windows > 1 or noted


def bright(path: Path) -> Answer:
    """Not black."""
    answer, right = neutral(path)
    return f"{answer}, mean grey {read_image(path).mean():.0f}", right


def one_face(path: Path) -> Answer:
    """One face."""
    rows = recognised(path, "face").table.query("modality == 'face'")
    return f"{len(rows)} face, {rows.status.iloc[0]}", len(rows) == 1 and rows.status.iloc[0] == "ok"


def doubtful(path: Path) -> Answer:
    """Turned upright first, or an abstention; never sure of itself."""
    row = recognised(path, "face").table.query("modality == 'face'").iloc[0]
    return f"{row.status}, quality {row.quality:.2f} {row.reason}".rstrip(), float(row.quality) < 1


def heard(path: Path) -> Any:
    """What is said and by whom."""
    return recognised(path, "words", "voice")


def two_people(path: Path) -> Answer:
    """Two speakers in one microphone are two people who take turns, and it is said that they were told apart by their sound."""
    result = heard(path)
    voices = result.table[result.table.modality == "voice"].sort_values("start").person.tolist()
    said = next((note for note in result.problems if "told apart by how they sound" in note), "")
    return f"persons {voices}; {said}".rstrip("; "), voices == [0, 1] * (len(voices) // 2) and len(voices) > 1 and bool(said)


def as_clean(*words: str) -> Callable[[Path], Answer]:
    """The words of the clean clip, with a note of what was done."""

    def answer(path: Path) -> Answer:
        result = heard(path)
        said = " ".join(result.table[result.table.modality == "words"].text).lower()
        note = next((note for note in result.problems if any(word in note for word in words)), "")
        return f"{note}; {len(said.split())} words", "wonderful time at the lake" in said and bool(note)

    return answer


def languages(path: Path) -> Answer:
    """The German turn is German or abstained, and its words are no English rows."""
    table = heard(path).table
    rows = table[table.modality == "words"]
    german = rows[(rows.start > 5.3) & (rows.end < 11.3)]
    english = rows[(rows.end < 5.3) | (rows.start > 11.3)]
    right = set(german.status) == {"abstained"} and set(english.status) == {"ok"}
    return f"German {dict(german.status.value_counts())}, English {dict(english.status.value_counts())}", right


def whole_turn(path: Path) -> Answer:
    """Fused rows over the whole turn."""
    table = heard(path).table
    voice, fused = (table[table.modality == name] for name in ("voice", "fused"))
    spans = [(frame.start.min(), frame.end.max()) for frame in (voice, fused)]
    return f"voice {spans[0][0]:.1f} to {spans[0][1]:.1f} s, fused {spans[1][0]:.1f} to {spans[1][1]:.1f} s", spans[0] == spans[
        1
    ]


def predictions(answered: int, units: int = 0) -> Callable[[Path], Answer]:
    """How many of the 160 pictures have an answer, each its own."""

    def answer(path: Path) -> Answer:
        from affectlens.models.adapters.table import TableModel

        with tempfile.TemporaryDirectory() as scratch:
            corpus = affectlens.open_corpus(f"folder={_faces(Path(scratch))}")
            keys = [item.key for item in corpus.items(corpus.info.splits[0])]
        model = TableModel.from_file(path)
        model.meet(keys, "folder")
        right = [key for key in keys if not model.why_not(key)]
        same = len(right) if model.units or model.labels_only else _their_own(model, right)
        text = f"{len(right)} of {len(keys)} answered, {same} their own"
        return "; ".join([text, *model.notes]), same == len(right) == answered and len(model.units) >= units

    return answer


def _their_own(model: Any, keys: list[str]) -> int:
    """How many pictures have the probabilities that the plain table has for them, to the digits that tools write."""
    truth = pd.read_csv(HERE / "tables" / "plain_rel.csv").set_index("file").loc[keys]
    names = [label for label in model.labels if label in truth]
    given = pd.DataFrame(model.probabilities([model.read(key) for key in keys]), columns=list(model.labels))[names]
    return int((np.abs(given.to_numpy() - truth[names].to_numpy()) < 0.02).all(axis=1).sum())


def _faces(folder: Path) -> Path:
    """The corpus of pictures in class folders that the tables speak of."""
    for name in pd.read_csv(HERE / "tables" / "plain_rel.csv").file:
        (folder / name).parent.mkdir(exist_ok=True)
        Image.fromarray(np.random.default_rng(0).integers(0, 255, (48, 48), dtype=np.uint8)).save(folder / name)
    return folder


def two_rows(path: Path) -> Answer:
    """Two files of one name are two rows, not an average."""
    from affectlens.models.adapters.table import TableModel

    model = TableModel.from_file(path)
    keys = ["happy/001.jpg", "sad/001.jpg"]
    model.meet(keys, "folder")
    values = model.probabilities([model.read(key) for key in keys]).round(2).tolist()
    return str(values), values == [[0.9, 0.1], [0.1, 0.9]]


def video_only(path: Path) -> Answer:
    """Frames of one video are not pictures of the corpus: refused, with the names of both sides."""
    try:
        return predictions(0)(path)
    except AffectlensError as error:
        return f"refused: {error}", "v.mp4" in str(error) and "angry/img" in str(error)


def paths(*wanted: str) -> Callable[[Path], Answer]:
    """Names of a table of paths, or one clear line."""

    def answer(path: Path) -> Answer:
        try:
            listed = list(affectlens.recognize([str(path)], modalities=("face",)).failures)
        except AffectlensError as error:
            return f"refused: {error}", not wanted and "\n" not in str(error)
        return "read: " + ", ".join(listed), tuple(Path(name).name for name in listed) == wanted

    return answer


def sentiment(path: Path) -> Answer:
    """Sign of sentiment."""
    corpus = affectlens.open_corpus(f"mosi-features={path}")
    same = total = 0
    with np.load(path) as arrays:
        for split in ("train", "test"):
            items = list(corpus.items(split))
            total += len(items)
            signs = ["positive" if value > 0 else "negative" for value in arrays[f"y_{split}"]]
            same += sum(item.labels == (sign,) for item, sign in zip(items, signs, strict=True))
    return f"{same} of {total} by their sign", same == total


def named(*words: str) -> Callable[[Path], Answer]:
    """What is wrong is named, in an error or in what is printed of the corpus."""

    def answer(path: Path) -> Answer:
        name = "mosi-features" if path.suffix == ".npz" else "speech-csv"
        try:
            read = survey(affectlens.open_corpus(f"{name}={path}"))
            text = "; ".join(line.strip() for line in read.lines())
        except AffectlensError as error:
            text = f"refused: {error}"
        return text, all(word in text for word in words)

    return answer


def speech_rows(count: int) -> Callable[[Path], Answer]:
    """How many items a table of clips has, once the clips are there."""

    def answer(path: Path) -> Answer:
        table = pd.read_csv(path)
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            for name in set(table.file):
                (folder / name).parent.mkdir(exist_ok=True)
                with wave.open(str(folder / name), "wb") as out:
                    out.setnchannels(1)
                    out.setsampwidth(2)
                    out.setframerate(8000)
                    out.writeframes(np.random.default_rng(0).integers(-9000, 9000, 8000).astype("<i2").tobytes())
            (folder / path.name).write_bytes(path.read_bytes())
            corpus = affectlens.open_corpus(f"speech-csv={folder / path.name}")
            items = list(corpus.items("all" if "all" in corpus.info.splits else corpus.info.splits[0]))
        return f"{len(items)} items, {len({i.key for i in items})} keys", len({i.key for i in items}) == len(items) == count

    return answer


def texts(path: Path) -> Answer:
    """No text "nan", empty ones said, cut ones said."""
    corpus = affectlens.open_corpus(f"csv={path}")
    read = [item for item in corpus.items("all") if not item.problem]
    words = {str(item.data) for item in read}
    evaluation = affectlens.evaluate("words", f"csv={path}")
    cut = any("cut at their end" in note for note in evaluation.notes)
    right = "nan" not in words and {"NA", "None", "null"} <= words and cut and 'I\'m so "happy" & proud' in words
    return f"{len(words)} texts, {len(evaluation.missed)} empty ones named, cut ones " + ("said" if cut else "not said"), right


SYNCHRONOUS = "flash and beep within a frame"
NEUTRAL = "seen as a player shows it: neutral near .90"
LIKE_CLEAN = "as the clean clip, or a true reason"
IDENTITY = "read with identity kept"

CASES: dict[str, tuple[str, Callable[[Path], Answer]]] = {
    # The edit list of each shifts one track by 1.5 s and the other not at all, and both have their first signal 1 s after their
    # own start: on the container's clock, which players follow, the signals are 1.5 s apart.
    "media/sync_alate.mp4": ("the container's clock: beeps 1.5 s behind", apart(1.5)),
    "media/sync_vlate.mp4": ("the container's clock: beeps 1.5 s ahead", apart(-1.5)),
    "media/sync_cut.ts": (SYNCHRONOUS, apart(0.0)),
    "media/sync.avi": (SYNCHRONOUS, apart(0.03)),
    "media/matrix_vflip.mp4": (NEUTRAL, neutral),
    "media/sar2.mp4": (NEUTRAL, neutral),
    "media/concat.ts": ("all 104 frames, time goes on, a note", joined),
    "media/gap20s.mkv": ("windows without a frame are missing", gap),
    "hostile/gap.mkv": ("26 h without a frame cost nothing", long_gap),
    "pictures/grid.heic": ("one face", one_face),
    "pictures/late.gif": ("all pictures, or the first with a note", several),
    "pictures/multi.tif": ("all pictures, or the first with a note", several),
    "pictures/float255.tif": ("not black", bright),
    "pictures/roll135.png": ("upright first, or low quality", doubtful),
    "pictures/bottom_cut_0.4.png": ("abstained with low quality", doubtful),
    "pictures/occl_lower.png": ("abstained with low quality", doubtful),
    "tables/pyfeat2.csv": (IDENTITY, predictions(160)),
    "tables/pyfeat_multi.csv": (IDENTITY, predictions(150)),
    "tables/openface22_named.csv": (IDENTITY, predictions(150, units=17)),
    "tables/libreface02.csv": (IDENTITY, predictions(160, units=12)),
    "tables/deepface_df.csv": (IDENTITY, predictions(160)),
    "tables/deepface_dict.json": (IDENTITY, predictions(160)),
    "tables/facereader_image_comma.txt": (IDENTITY, predictions(160)),
    "tables/facereader_image_fail.txt": (IDENTITY, predictions(140)),
    "tables/facereader_video_fail.txt": ("frames of one video: a clear error", video_only),
    "tables/excel_de.csv": (IDENTITY, predictions(160)),
    "tables/plain_win.csv": (IDENTITY, predictions(160)),
    "tables/plain_rel.csv": (IDENTITY, predictions(160)),
    "tables/collide.csv": ("two rows, not an average", two_rows),
    "tables/bom.txt": ("read, or one clear line", paths("a.png", "ü.png")),
    "tables/latin1.csv": ("read, or one clear line", paths("a.png")),
    "tables/empty.csv": ("one clear line", paths()),
    "tables/header.csv": ("one clear line", paths()),
    "audio/call.wav": ("two people", two_people),
    "audio/two_mono_seq.wav": ("two people", two_people),
    "audio/anti.wav": ("speech is found", as_clean("opposite phase")),
    "audio/noise_right.wav": ("as the left channel alone", as_clean("steady noise")),
    "audio/dc.wav": (LIKE_CLEAN, as_clean("offset")),
    "audio/quiet40.wav": (LIKE_CLEAN, as_clean("quiet")),
    "audio/loud_f32.wav": (LIKE_CLEAN, as_clean("full scale")),
    "audio/switch_en_de_en.wav": ("the German turn is German or abstained", languages),
    "audio/pl.wav": ("fused rows over the whole turn", whole_turn),
    "corpora/cont2.npz": ("sign of sentiment", sentiment),
    "corpora/inf.npz": ("a clear error", named("infinite", "train00_x_0")),
    "corpora/badids.npz": ("a clear error", named("train00-x-0", "expected")),
    "corpora/dup.csv": ("doubled rows count once", speech_rows(48)),
    "corpora/seg_close.csv": ("segments 4 ms apart are kept apart", speech_rows(96)),
    "corpora/typos.csv": ("misspelt labels are listed", named("Angray", "perhaps anger", "unhappy")),
    "corpora/text.csv": ("no text nan; cut texts say so", texts),
}  # fmt: skip
