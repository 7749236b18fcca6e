"""Fitting the space of voices on corpora of speech, scored on conversations of each corpus left out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
from safetensors.numpy import save_file

from affectlens.assets.store import locate
from affectlens.core.disk.files import sha256_of, write_text
from affectlens.core.errors import CorpusError
from affectlens.core.progress import Progress, silent
from affectlens.corpora.base import items_of, open_corpus
from affectlens.learning.recipes.speakers import SpeakersRecipe
from affectlens.learning.trainers.speakers import PEOPLE, THRESHOLDS, VoiceTable, counted, fit_speakers
from affectlens.models.speakers.encoder import RATE, VoiceEncoder, load_encoder, voice_windows
from affectlens.models.weights import in_order
from affectlens.stats.resample import wilson
from affectlens.training.card import table as markdown
from affectlens.training.run import TrainingRun

_ABOUT = (
    "Probabilistic linear discriminant analysis (Ioffe 2006) over the vectors of Resemblyzer's voice encoder (Wan et al. 2018, "
    "Apache-2.0): how much voices differ between people, and within one person who speaks in several moods. It tells voices of "
    "one recording apart; it names nobody, and no voice is compared between recordings."
)
_LIMITS = (
    "Acted speech in studios, few people a corpus. Voices in the same mood are told apart better than one voice in several "
    "moods is kept together; people of one sex with like voices are often taken for one; people who speak at the same time are "
    "taken for one. Never seen: children, telephones, far microphones, more than four people."
)


def train_speakers_model(
    corpora: dict[str, Path], out: Path, recipe: SpeakersRecipe, progress: Progress = silent
) -> TrainingRun:
    """Write ``speakers.safetensors`` and its card below ``out``; see ``affectlens.train.speakers``."""
    if len(corpora) < 2:
        raise CorpusError(
            f"{', '.join(corpora)}: at least two corpora are needed; each is left out once to choose the threshold"
        )
    encoder = load_encoder(locate("voice-encoder"))
    missed: dict[str, str] = {}
    tables = {name: _table(name, path, encoder, missed, progress) for name, path in corpora.items()}
    space = fit_speakers(tables, recipe)
    scores = _scores(tables, recipe) if len(corpora) > 2 else pd.DataFrame(columns=["corpus", "score", "value", "low", "high"])
    weights = out / "speakers.safetensors"
    infos = [open_corpus(name, path).info for name, path in corpora.items()]
    about = {
        "worth": space.worth,
        "threshold": space.threshold,
        "corpus": ", ".join(info.title for info in infos),
        "licence": "; ".join(dict.fromkeys(info.licence for info in infos)),
        "recipe": recipe.to_dict(),
    }
    arrays = {"projection": space.projection.astype(np.float32), "between": space.between.astype(np.float32)}
    save_file(arrays, str(weights), metadata={"about": json.dumps(about, sort_keys=True)})
    weights.write_bytes(in_order(weights.read_bytes()))
    return TrainingRun(weights, _card(weights, about, tables, scores, recipe), scores, missed=missed)


def _table(name: str, path: Path, encoder: VoiceEncoder, missed: dict[str, str], progress: Progress) -> VoiceTable:
    """Vectors of a corpus's clips."""
    items = list(items_of(open_corpus(name, path), "all"))
    vectors, people, seconds = [], [], []
    for number, item in enumerate(items):
        progress(f"{name}: voices", number, len(items))
        if item.data is None:
            missed[f"{name}/{item.key}"] = item.problem
            continue
        samples = np.asarray(item.data, np.float32)
        vectors.append(voice_windows(encoder, samples)[1].mean(axis=0))
        people.append(str(item.group))
        seconds.append(len(samples) / RATE)
    found = VoiceTable(np.array(vectors), np.array(people), np.array(seconds))
    if len(people) == 0 or found.most < min(PEOPLE):
        raise CorpusError(f"{name}: {found.most} people with five clips; at least {min(PEOPLE)} are needed")
    return found


def _scores(tables: dict[str, VoiceTable], recipe: SpeakersRecipe) -> pd.DataFrame:
    """How often the number of people is right in conversations of each corpus, space and threshold from the others."""
    rows = []
    for place, (name, table) in enumerate(tables.items()):
        space = fit_speakers({other: one for other, one in tables.items() if other != name}, recipe)
        chosen = int(np.abs(THRESHOLDS - space.threshold).argmin())
        right = []
        for number in range(60):
            rng = np.random.default_rng([recipe.seed, 1000 + place, number])
            count = min(PEOPLE[number % len(PEOPLE)], table.most)
            right.append(int(counted(space, table, table.conversation(count, rng))[chosen] == count))
        share = wilson(sum(right), len(right))
        rows.append(
            {"corpus": name, "score": "number of people right", "value": share.value, "low": share.low, "high": share.high}
        )
    return pd.DataFrame(rows)


def _card(
    weights: Path, about: dict[str, object], tables: dict[str, VoiceTable], scores: pd.DataFrame, recipe: SpeakersRecipe
) -> Path:
    people = sum(len(np.unique(table.people)) for table in tables.values())
    clips = sum(len(table.people) for table in tables.values())
    given = " ".join(f"--corpus {name}=PATH" for name in tables)
    rows = [(str(one.corpus), f"{one.value:.2f}", f"{one.low:.2f} to {one.high:.2f}") for one in scores.itertuples()]
    lines = [
        "# Model card: affectlens speakers",
        "",
        _ABOUT,
        "",
        f"- Weights: `{weights.name}`, {weights.stat().st_size / 1e6:.2f} MB, sha256 `{sha256_of(weights)}`",
        f"- Corpora: {about['corpus']}; {clips:,} clips of {people} people",
        f"- Licences of the corpora, which the weights inherit: {about['licence']}",
        f"- Made by: `affectlens train speakers {given}`, recipe below",
        "",
        "## New data",
        "",
        "How often the number of people is right in 60 conversations of two to four people of a corpus whose people and "
        "threshold were not used, its clips cut apart rightly; 95 % intervals over conversations. `python -m benchmarks "
        "diarisation` has errors in time, from sound alone.",
        "",
        *markdown(("corpus left out", "number right", "interval"), rows),
        "",
        "## Limits",
        "",
        _LIMITS,
        "",
        "## Recipe",
        "",
        *(f"- {name}: {value}" for name, value in recipe.to_dict().items()),
        f"- threshold, as chosen: {about['threshold']}",
    ]
    return write_text(weights.with_suffix(".md"), "\n".join(lines) + "\n")
