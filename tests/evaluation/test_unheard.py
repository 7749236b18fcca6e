"""The voice on corpora that it never heard: nothing of a corpus that is left out reaches its answers."""

import numpy as np
import pandas as pd
import pytest

from affectlens.evaluation.unheard import ACOUSTIC, FITTED_ON, HEARD, USES, Use, fit_join, joined, recordings, unheard
from affectlens.features.speech import SpeechTable
from affectlens.features.turns import TurnTable
from affectlens.learning.recipes.voice import VoiceRecipe

LABELS = ["anger", "happiness", "sadness", "neutral"]
RECIPE = VoiceRecipe(epochs=20, copies=1)


def turn_table(rng, corpora=("one", "two", "three"), people=3, each=8, width=12):
    rows, x, states = [], [], []
    for corpus in corpora:
        for s in range(people):
            for i in range(each):
                x.append(rng.normal(size=88) + np.repeat(np.eye(4)[i % 4], 22))
                states.append(rng.normal(size=width) + 2 * np.repeat(np.eye(4)[i % 4], width // 4))
                rows.append({"corpus": corpus, "key": f"{s}-{i}", "label": LABELS[i % 4], "speaker": str(s), "gender": "",
                             "language": "xx", "seconds": 1.0})  # fmt: skip
    held = np.array(states, np.float32)
    return TurnTable(SpeechTable(np.array(x), pd.DataFrame(rows), {}), held, (held + rng.normal(0, 0.1, held.shape))[None])


@pytest.fixture
def quick(monkeypatch):
    """The autoencoder for one pass."""
    from affectlens.evaluation import unheard as module

    made = module.SpeechRecipe
    monkeypatch.setattr(module, "SpeechRecipe", lambda seed: made(seed=seed, epochs=1))


def test_labels_of_a_corpus_do_not_reach_its_own_answers(rng, tmp_path, quick):
    table = turn_table(rng)
    other = dict(zip(LABELS, LABELS[1:] + LABELS[:1], strict=True))
    rows = table.acoustic.rows
    wrong = rows.assign(label=rows.label.where(rows.corpus != "two", rows.label.map(other)))
    changed = TurnTable(SpeechTable(table.acoustic.features, wrong, {}), table.states, table.changed)
    first, second = (unheard(given, RECIPE, tmp_path / str(n)) for n, given in enumerate((table, changed)))
    mixed = [use.name for use in USES if not use.one_mood]  # of one mood: labels deal the clips
    columns = [*HEARD, *ACOUSTIC]
    for corpus, same in (("two", True), ("one", False)):
        a, b = (frame[(frame.corpus == corpus) & frame.use.isin(mixed)][columns].to_numpy() for frame in (first, second))
        assert np.array_equal(a, b) == same


def test_a_stopped_run_goes_on_and_every_clip_is_there(rng, tmp_path, quick, monkeypatch):
    table = turn_table(rng)
    first = unheard(table, RECIPE, tmp_path)
    assert (first.groupby(["corpus", "use"]).row.nunique() == 24).all() and len(first) == 72 * len(USES)
    monkeypatch.setattr("affectlens.evaluation.unheard.fit_head", None)
    pd.testing.assert_frame_equal(unheard(table, RECIPE, tmp_path), first)


def test_recordings_are_of_one_speaker_and_at_most_so_long(rng):
    speaker, labels = np.repeat(["a", "b"], [13, 4]), rng.integers(0, 3, 17)
    dealt = recordings(speaker, labels, Use("", 5), rng)
    assert sorted(np.concatenate(dealt)) == list(range(17)) and max(map(len, dealt)) <= 5
    assert all(len(set(speaker[group])) == 1 for group in dealt)
    moods = recordings(speaker, labels, Use("", 5, one_mood=True), rng)
    assert all(len(set(labels[group])) == 1 for group in moods) and sum(map(len, moods)) == 17


def test_the_better_answer_weighs_more(rng):
    truth = np.tile(np.arange(4), 100)
    good, bad = 2 * np.eye(4)[truth] + rng.normal(size=(400, 4)), rng.normal(size=(400, 4))
    frame = pd.DataFrame(np.hstack([bad, good]), columns=[*HEARD, *ACOUSTIC]).assign(
        truth=truth, use=FITTED_ON[0], corpus="c", row=np.arange(400)
    )
    heard, acoustic = fit_join(frame)
    assert acoustic > 1 and heard < 0.2
    assert (joined(frame, (heard, acoustic)).argmax(axis=1) == truth).mean() > 0.8
    other = frame.assign(use="whole corpus", truth=0)  # what the main job never does is not learnt from
    assert fit_join(pd.concat([other, frame])) == pytest.approx((heard, acoustic))
