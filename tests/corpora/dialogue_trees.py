"""Small corpora of dialogues in the official formats."""

import pickle
from pathlib import Path

import numpy as np

from tests.perception.body.walker import BVH

EVALUATION = """% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]

[6.2901 - 8.2357]\tSes0{s}F_impro01_F000\tneu\t[2.5000, 2.5000, 2.5000]
C-E2:\tNeutral;\t()
C-E3:\tNeutral;\t()
C-F1:\tNeutral; Anger;\t(curious)
A-E3:\tval 3; act 2; dom  2;\t()

[10.0100 - 11.3925]\tSes0{s}F_impro01_M000\tfru\t[2.5000, 3.0000, 2.5000]
C-E2:\tFrustration;\t()

[14.8872 - 18.0175]\tSes0{s}F_impro01_F001\texc\t[4.5000, 4.0000, 2.5000]
C-E2:\tExcited;\t()
"""
TRANSCRIPT = """Ses0{s}F_impro01_F000 [006.2901-008.2357]: Excuse me.
Ses0{s}F_impro01_M000 [010.0100-011.3925]: Do you have your forms?
Ses0{s}F_impro01_F001 [014.8872-018.0175]: Yeah.  Let me see them.
"""
WORDS = """\t SFrm  EFrm    SegAScr Word
\t    0    28    -103712 <s>
\t   29    80   -2345678 EXCUSE
\t   81   110   -1000000 ME(2)
\t  111   130    -100000 ++GARBAGE++
\t  131   150    -100000 </s>
 Total score:    -3549390
"""


def iemocap_tree(path: Path) -> Path:
    """Two sessions with an improvised and a scripted dialogue each."""
    root = path / "IEMOCAP_full_release"
    for s in (1, 2):
        base = root / f"Session{s}"
        for folder, name, text in (
            ("dialog/EmoEvaluation", f"Ses0{s}F_impro01.txt", EVALUATION),
            ("dialog/EmoEvaluation", f"Ses0{s}M_script01_1.txt", EVALUATION.replace("F_impro01", "M_script01_1")),
            ("dialog/transcriptions", f"Ses0{s}F_impro01.txt", TRANSCRIPT),
            ("dialog/transcriptions", f"Ses0{s}M_script01_1.txt", TRANSCRIPT.replace("F_impro01", "M_script01_1")),
            (f"sentences/ForcedAlignment/Ses0{s}F_impro01", f"Ses0{s}F_impro01_F000.wdseg", WORDS),
        ):
            (base / folder).mkdir(parents=True, exist_ok=True)
            (base / folder / name).write_text(text.replace("{s}", str(s)), encoding="utf-8")
        turn = f"Ses0{s}F_impro01_F000"
        head = base / "sentences" / "MOCAP_head" / f"Ses0{s}F_impro01"
        face = base / "sentences" / "MOCAP_rotated" / f"Ses0{s}F_impro01"
        for folder in (head, face):
            folder.mkdir(parents=True)
        (head / f"{turn}.txt").write_text(
            "Frame# Time pitch roll yaw tra_x tra_y tra_z\nX X X X X X\n1 0.00 10 0 -4 1 2 3\n2 0.0083 20 0 4 1 2 3\n"
        )
        (face / f"{turn}.txt").write_text(
            "Frame# Time CH1 RC2 RBRO1\nX Y Z X Y Z X Y Z\n1 0.00 0 0 -50 1 1 -20 2 2 30\n2 0.0083 0 0 -52 1 1 NaN 2 2 32\n"
        )
    return root


def write_pickle(path: Path, entries: object) -> Path:
    """A pickle as Python 2 wrote them."""
    path.write_bytes(pickle.dumps(entries, protocol=2))
    return path


def iemocap_pickle(path: Path) -> Path:
    """The tuple of nine that DialogueRNN reads."""
    ids = {"Ses01F": ["a0", "a1"], "Ses02F": ["b0"]}
    speakers = {"Ses01F": ["M", "F"], "Ses02F": ["F"]}
    labels = {"Ses01F": [3, 5], "Ses02F": [0]}
    text, audio, video = ({k: [np.full(w, i, np.float32) for i in range(len(v))] for k, v in ids.items()} for w in (4, 3, 2))
    sentences = {"Ses01F": ["hello", "well"], "Ses02F": ["yes"]}
    entries = (ids, speakers, labels, text, audio, video, sentences, ["Ses01F"], {"Ses02F"})
    return write_pickle(path / "IEMOCAP_features.pkl", entries)


def mosi_npz(path: Path) -> Path:
    """Two videos to train, one to test."""
    held: dict[str, np.ndarray] = {}
    for split, names in (("train", ["a_2", "a_10", "b_1"]), ("test", ["c_1", "c_2"])):
        n = len(names)
        held[f"utt_{split}"], held[f"y_{split}"] = np.array(names), np.arange(n) % 2
        held[f"transcript_{split}"] = np.array(["GOOD FILM"] * n)
        for m, width in (("text", 4), ("audio", 3), ("video", 2)):
            held[f"{m}_{split}"] = np.ones((n, width), np.float32)
    np.savez(path / "mosi.npz", **held)
    return path / "mosi.npz"


def dialogue_folder(path: Path) -> Path:
    """Two recordings told of in a table."""
    folder = path / "recordings"
    folder.mkdir()
    (folder / "utterances.csv").write_text(
        "file,start,end,speaker,text,label,split\nb.mp4,3,4,A,later,Joy,train\nb.mp4,1,2,B,first,angry,train\n"
        "a.mp4,0,1,A,,sad,test\n"
    )
    return folder


def dialogue_trees(path: Path) -> dict[str, Path]:
    """One a reader, by its name."""
    return {
        "iemocap-dialogues": iemocap_tree(path),
        "feature-pickle": iemocap_pickle(path),
        "mosi-features": mosi_npz(path),
        "dialogue-folder": dialogue_folder(path),
    }


def bandai_tree(path: Path) -> Path:
    """Two styles of walking, and a bow that is no gait."""
    folder = path / "bandai"
    folder.mkdir()
    for name in ("walk_happy_001", "walk_normal_001", "walk_proud_002", "bow_happy_001"):
        (folder / f"dataset-1_{name}.bvh").write_text(BVH)
    return folder
