"""Tiny corpora in the official layouts of speech corpora."""

import wave
from pathlib import Path

import numpy as np

NAMES = {
    "emodb": ["wav/03a01Fa.wav", "wav/08b02Wb.wav", "wav/10a04Na.wav", "wav/16a05Tc.wav", "wav/09a01La.wav"],
    "ravdess": [f"Actor_{a:02}/03-01-{e:02}-01-01-01-{a:02}.wav" for a in (1, 2) for e in range(1, 9)],
    "urdu": ["Angry/SM1_F10_A010.wav", "Happy/SF2_F1_H01.wav", "Neutral/SM3_F4_N04.wav", "Sad/SF5_F2_S02.wav"],
    "nemo": ["samples/EB0_anger_24.wav", "samples/EB0_neutral_1.wav", "samples/KK1_fear_3.wav", "samples/KK1_sadness_9.wav"],
    "cremad": ["AudioWAV/1001_DFA_ANG_XX.wav", "AudioWAV/1002_IEO_HAP_LO.wav", "AudioWAV/1002_IEO_DIS_HI.wav"],
    "savee": ["AudioData/DC/a01.wav", "AudioData/JE/sa03.wav", "AudioData/JK/su02.wav", "AudioData/KL/n30.wav"],
    "tess": ["OAF_angry/OAF_back_angry.wav", "YAF_pleasant_surprised/YAF_bar_ps.wav", "OAF_sad/OA_bite_sad.wav"],
    "emovo": ["f1/dis-f1-b1.wav", "m2/gio-m2-l3.wav", "f3/neu-f3-n5.wav", "m1/rab-m1-d1.wav"],
    "cafe": ["Colère/Fort/01-C-2-1.wav", "Joie/Faible/02-J-1-3.wav", "Neutre/03-N-1-6.wav", "Peur/Fort/04-P-2-2.wav"],
    "aesdd": ["anger/a01 (1).wav", "sadness/s03 (4).wav", "fear/f02 (2).wav", "happiness/h09 (5)b.wav"],
    "shemo": ["male/M01A01.wav", "female/F02H03.wav", "female/F02W01.wav", "male/M23N10.wav"],
}  # fmt: skip
FOUR = {"emodb": 4, "ravdess": 8, "urdu": 4, "nemo": 3, "cremad": 2, "savee": 3, "tess": 2, "emovo": 3, "cafe": 3, "aesdd": 3,
        "shemo": 3, "iemocap": 3, "audformat": 2, "speech-csv": 2}  # fmt: skip
# The first clip in order of keys, label and speaker as its documentation tells them.
FIRST = {
    "emodb": ("happiness", "03", "male"), "ravdess": ("neutral", "01", "male"), "urdu": ("anger", "SM1", "male"),
    "nemo": ("anger", "EB0", "female"), "cremad": ("anger", "1001", "male"), "savee": ("anger", "DC", "male"),
    "tess": ("anger", "OAF", "female"), "emovo": ("disgust", "f1", "female"), "cafe": ("anger", "01", "male"),
    "aesdd": ("anger", "1", ""), "shemo": ("happiness", "F02", "female"), "iemocap": ("neutral", "Ses01F", "female"),
    "audformat": ("anger", "anna", "female"), "speech-csv": ("happiness", "p1", ""),
}  # fmt: skip

_EVALUATION = """% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]

[6.2901 - 8.2357]\tSes01F_impro01_F000\tneu\t[2.5000, 2.5000, 2.5000]
C-E2:\tNeutral;\t()
[10.0100 - 11.3925]\tSes01F_impro01_M001\tfru\t[2.5000, 3.0000, 2.5000]
[14.8872 - 18.0175]\tSes01F_impro01_F001\texc\t[4.5000, 4.0000, 2.5000]
[19.2900 - 20.7875]\tSes01F_impro01_M002\tang\t[1.5000, 4.5000, 4.0000]
"""


def write_wav(path: Path, seconds: float = 0.6, rate: int = 16000, hertz: float = 200.0) -> None:
    """A buzz with overtones."""
    path.parent.mkdir(parents=True, exist_ok=True)
    t = np.arange(int(seconds * rate)) / rate
    x = sum(np.sin(2 * np.pi * hertz * k * t) / k for k in range(1, 9)) * 0.15
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes((x * 32767).astype("<i2").tobytes())


def speech_trees(root: Path, seconds: float = 0.6) -> dict[str, Path]:
    """One tree a reader, by its name."""
    out = {}
    for name, files in NAMES.items():
        out[name] = root / name
        for i, file in enumerate(files):
            write_wav(root / name / file, seconds, hertz=110 + 10 * i)
    (root / "nemo" / "data.tsv").write_text("file_id\tspeaker_id\tgender\tage\nx\tEB0\tfemale\t23\ny\tKK1\tmale\t30\n")
    (root / "cremad" / "VideoDemographics.csv").write_text(
        "ActorID,Age,Sex,Race,Ethnicity\n1001,51,Male,C,N\n1002,21,Female,C,N\n"
    )
    session = root / "iemocap" / "Session1"
    (session / "dialog" / "EmoEvaluation").mkdir(parents=True)
    (session / "dialog" / "EmoEvaluation" / "Ses01F_impro01.txt").write_text(_EVALUATION)
    for turn in ("F000", "M001", "F001", "M002"):
        write_wav(session / "sentences" / "wav" / "Ses01F_impro01" / f"Ses01F_impro01_{turn}.wav", seconds)
    out["iemocap"] = root / "iemocap"
    base = root / "audformat"
    for k in (1, 2):
        write_wav(base / "audio" / f"{k}.wav", 1.5)
    (base / "db.yaml").write_text("name: tiny\n")
    (base / "db.emotion.csv").write_text(
        "file,start,end,emotion\naudio/1.wav,0 days 00:00:00,0 days 00:00:00.700000,angry\n"
        "audio/1.wav,0 days 00:00:00.700000,0 days 00:00:01.500000,boredom\naudio/2.wav,0 days 00:00:00,,neutral\n"
    )
    (base / "db.files.csv").write_text("file,speaker,gender\naudio/1.wav,anna,female\naudio/2.wav,ben,male\n")
    out["audformat"] = base
    table = root / "speech-csv" / "list.csv"
    write_wav(table.parent / "a.wav", seconds)
    table.write_text("file,label,speaker\na.wav,joy,p1\nabsent.wav,anger,p2\n")
    out["speech-csv"] = table
    return out
