"""Speech corpora whose file names say everything: one function a corpus, official layout in, rows out."""

from __future__ import annotations

from pathlib import Path

from affectlens.core.disk.places import written
from affectlens.core.untrusted.sheets import read_sheet
from affectlens.corpora.speech.base import Rows, clips, key_of, register_speech


@register_speech(
    "emodb", "Berlin EmoDB", "de", "free for research; cite Burkhardt et al. 2005", "http://emodb.bilderbar.info",
    "wav/03a01Fa.wav: speaker, text, emotion letter, version",
)  # fmt: skip
def emodb(root: Path) -> Rows:
    """Burkhardt et al. 2005: 535 clips of 10 speakers."""
    codes = {"W": "anger", "L": "boredom", "E": "disgust", "A": "fear", "F": "happiness", "T": "sadness", "N": "neutral"}
    men = {"03", "10", "11", "12", "15"}
    return [
        {"key": key_of(root, file), "path": written(file), "label": codes[name[3].upper()], "speaker": name[1], "text": name[2],
         "gender": "male" if name[1] in men else "female"}
        for file, name in clips(root, r"(\d\d)([ab]\d\d)([WLEAFTN])([a-f])")
    ]  # fmt: skip


@register_speech(
    "ravdess", "RAVDESS (speech)", "en", "CC BY-NC-SA 4.0", "https://zenodo.org/record/1188976",
    "Actor_01/03-01-05-01-01-01-01.wav: modality, channel, emotion, intensity, statement, repetition, actor",
)  # fmt: skip
def ravdess(root: Path) -> Rows:
    """Livingstone & Russo 2018: audio-only speech of 24 actors; song is left out."""
    names = ("neutral", "calm", "happiness", "sadness", "anger", "fear", "disgust", "surprise")
    # Calm is an emotion of its own here, not another word for neutral.
    return [
        {"key": key_of(root, file), "path": written(file), "label": "calmness" if name[1] == "02" else names[int(name[1]) - 1],
         "speaker": name[5], "gender": "male" if int(name[5]) % 2 else "female", "intensity": int(name[2]), "text": name[3]}
        for file, name in clips(root, r"03-01-(0[1-8])-(0[12])-(0[12])-(0[12])-(\d\d)")
    ]  # fmt: skip


@register_speech(
    "urdu", "URDU", "ur", "research only; cite Latif et al. 2018", "https://github.com/siddiquelatif/URDU-Dataset",
    "Angry|Happy|Neutral|Sad/SM1_F10_A010.wav: speaker, file, emotion and number",
)  # fmt: skip
def urdu(root: Path) -> Rows:
    """Latif et al. 2018: 400 utterances of talk shows."""
    return [
        {"key": key_of(root, file), "path": written(file), "label": name[1], "speaker": name[2],
         "gender": "male" if name[2][1].upper() == "M" else "female"}
        for file, name in clips(root, r"(Angry|Happy|Neutral|Sad)/(S[MF]\d+)_F\d+_[AHNS]\d+")
    ]  # fmt: skip


@register_speech(
    "nemo", "nEMO", "pl", "CC BY-NC-SA 4.0", "https://huggingface.co/datasets/amu-cai/nEMO",
    "samples/EB0_anger_24.wav: speaker, emotion, number; data.tsv beside it with gender and age",
)  # fmt: skip
def nemo(root: Path) -> Rows:
    """Christop 2024: nine Polish speakers."""
    people: dict[str, dict[str, str]] = {}
    table = root / "data.tsv"
    if table.exists():
        frame = read_sheet(table).frame.drop_duplicates("speaker_id")
        people = {str(row.speaker_id).strip(): {"gender": row.gender, "age": row.age} for row in frame.itertuples()}
    return [
        {
            "key": key_of(root, file),
            "path": written(file),
            "label": name[2],
            "speaker": name[1],
            **people.get(name[1], {"gender": ""}),
        }
        for file, name in clips(root, r"([A-Z]{2}\d)_([a-z]+)_\d+")
    ]


@register_speech(
    "cremad", "CREMA-D", "en", "Open Database License", "https://github.com/CheyneyComputerScience/CREMA-D",
    "AudioWAV/1001_DFA_ANG_XX.wav: actor, sentence, emotion, level; VideoDemographics.csv beside it",
)  # fmt: skip
def cremad(root: Path) -> Rows:
    """Cao et al. 2014: 7,442 clips of 91 actors."""
    codes = {"ANG": "anger", "DIS": "disgust", "FEA": "fear", "HAP": "happiness", "NEU": "neutral", "SAD": "sadness"}
    people: dict[str, dict[str, str]] = {}
    table = root / "VideoDemographics.csv"
    if table.exists():
        people = {
            str(row.ActorID): {"gender": str(row.Sex).lower(), "age": str(row.Age)}
            for row in read_sheet(table).frame.itertuples()
        }
    return [
        {"key": key_of(root, file), "path": written(file), "label": codes[name[3].upper()], "speaker": name[1], "text": name[2],
         **people.get(name[1], {"gender": ""})}
        for file, name in clips(root, r"(\d{4})_([A-Z]{3})_(ANG|DIS|FEA|HAP|NEU|SAD)_(?:XX|LO|MD|HI|X)")
    ]  # fmt: skip


@register_speech(
    "savee", "SAVEE", "en", "free for research; registration", "http://kahlan.eps.surrey.ac.uk/savee",
    "AudioData/DC/a01.wav (or DC_a01.wav): speaker, emotion letters, number",
)  # fmt: skip
def savee(root: Path) -> Rows:
    """Haq & Jackson 2010: four men."""
    codes = {"a": "anger", "d": "disgust", "f": "fear", "h": "happiness", "n": "neutral", "sa": "sadness", "su": "surprise"}
    return [
        {
            "key": key_of(root, file),
            "path": written(file),
            "label": codes[name[2].lower()],
            "speaker": name[1].upper(),
            "gender": "male",
        }
        for file, name in clips(root, r"(DC|JE|JK|KL)[/_](sa|su|a|d|f|h|n)\d\d")
    ]


@register_speech(
    "tess", "TESS", "en", "CC BY-NC-ND 4.0", "https://tspace.library.utoronto.ca/handle/1807/24487",
    "OAF_angry/OAF_back_angry.wav: speaker, word, emotion",
)  # fmt: skip
def tess(root: Path) -> Rows:
    """Pichora-Fuller & Dupuis 2020: an older and a younger woman."""
    return [
        {"key": key_of(root, file), "path": written(file), "label": "surprise" if name[3].lower() == "ps" else name[3],
         "speaker": "OAF" if name[1].upper() == "OA" else name[1].upper(), "text": name[2], "gender": "female"}
        for file, name in clips(root, r"(OAF|YAF|OA)_([A-Za-z]+)_(angry|disgust|fear|happy|neutral|ps|sad)")
    ]  # fmt: skip


@register_speech(
    "emovo", "EMOVO", "it", "free for research", "http://voice.fub.it/activities/corpora/emovo",
    "f1/dis-f1-b1.wav: emotion, speaker, sentence",
)  # fmt: skip
def emovo(root: Path) -> Rows:
    """Costantini et al. 2014: six actors."""
    codes = {
        "dis": "disgust",
        "gio": "happiness",
        "neu": "neutral",
        "pau": "fear",
        "rab": "anger",
        "sor": "surprise",
        "tri": "sadness",
    }
    return [
        {"key": key_of(root, file), "path": written(file), "label": codes[name[1].lower()],
         "speaker": name[2].lower(), "text": name[3], "gender": "male" if name[2][0].lower() == "m" else "female"}
        for file, name in clips(root, r"(dis|gio|neu|pau|rab|sor|tri)-([mf]\d)-([a-z]+\d+)")
    ]  # fmt: skip


@register_speech(
    "cafe", "CaFE", "fr", "CC BY-NC-SA 4.0", "https://zenodo.org/record/1478765",
    "Colère/Fort/01-C-2-1.wav: actor, emotion letter, intensity, sentence",
)  # fmt: skip
def cafe(root: Path) -> Rows:
    """Gournay et al. 2018: twelve actors, Canadian French."""
    codes = {"C": "anger", "D": "disgust", "J": "happiness", "N": "neutral", "P": "fear", "S": "surprise", "T": "sadness"}
    return [
        {"key": key_of(root, file), "path": written(file), "label": codes[name[2].upper()], "speaker": name[1],
         "intensity": int(name[3]), "text": name[4], "gender": "male" if int(name[1]) % 2 else "female"}
        for file, name in clips(root, r"(\d\d)-([CDJNPST])-([12])-(\d)")
    ]  # fmt: skip


@register_speech(
    "aesdd", "AESDD", "el", "free for research", "http://m3c.web.auth.gr/research/aesdd-speech-emotion-recognition",
    "anger/a01 (1).wav: emotion letter and sentence, speaker in brackets",
)  # fmt: skip
def aesdd(root: Path) -> Rows:
    """Vryzas et al. 2018: Greek actors; there is no neutral class."""
    return [
        {"key": key_of(root, file), "path": written(file), "label": name[1], "speaker": name[3], "text": name[2]}
        for file, name in clips(root, r"(anger|disgust|fear|happiness|sadness)/[adfhs](\d+) ?\((\d+)\)b?")
    ]


@register_speech(
    "shemo", "ShEMO", "fa", "free for research; cite Mohamad Nezami et al. 2019", "https://github.com/mansourehk/ShEMO",
    "male/M01A01.wav, female/F01H01.wav: gender, speaker, emotion letter, number",
)  # fmt: skip
def shemo(root: Path) -> Rows:
    """Mohamad Nezami et al. 2019: 3,000 utterances of radio plays."""
    codes = {"A": "anger", "F": "fear", "H": "happiness", "N": "neutral", "S": "sadness", "W": "surprise"}
    return [
        {"key": key_of(root, file), "path": written(file), "label": codes[name[3].upper()],
         "speaker": name[1].upper() + name[2], "gender": "male" if name[1].upper() == "M" else "female"}
        for file, name in clips(root, r"([MF])(\d\d)([AFHNSW])\d+")
    ]  # fmt: skip
