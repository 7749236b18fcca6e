import numpy as np
import pandas as pd
import pytest

from affectlens import train
from affectlens.core.errors import CorpusError
from affectlens.core.labels import EKMAN7
from affectlens.corpora.base import open_corpus
from affectlens.evaluation.predictions import Predictions
from affectlens.learning.recipes.face import FaceRecipe
from affectlens.learning.trainers.face import mass_on_answer
from affectlens.models.shipped.face import FaceModel
from affectlens.stats.classification import softmax
from affectlens.training.face.labels import learned_from
from affectlens.training.face.scores import on_new_data

CLASSES = EKMAN7.labels


def table(path, seed=0, per_class=(6, 4, 4)):
    rng, rows = np.random.default_rng(seed), []
    for usage, each in zip(("Training", "PublicTest", "PrivateTest"), per_class, strict=True):
        for label in range(7):
            for _ in range(each):
                picture = rng.integers(0, 60, (48, 48))
                picture[6 * label : 6 * label + 6] += 150
                rows.append({"emotion": label, "Usage": usage, "pixels": " ".join(map(str, picture.ravel()))})
    pd.DataFrame(rows).to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def fer(tmp_path_factory):
    return table(tmp_path_factory.mktemp("fer") / "fer2013.csv")


@pytest.fixture
def votes(fer, tmp_path):
    """Ten votes a picture: eight for its label, two for neutral; the first of each split shows no face."""
    corpus, rows = open_corpus("fer2013", fer), []
    for split in ("train", "val", "test"):
        for number, row in enumerate(corpus.table(split).itertuples()):
            of = dict.fromkeys((*CLASSES, "contempt", "NF"), 0)
            of[row.label] += 8
            of["neutral"] += 2
            rows.append({"name": row.key, **(dict.fromkeys(of, 0) | {"NF": 10} if number == 0 else of)})
    pd.DataFrame(rows).to_csv(tmp_path / "votes.csv", index=False)
    return tmp_path / "votes.csv"


def test_votes_share_the_target_with_the_label(fer, votes):
    missed = {}
    faces = learned_from(open_corpus("fer2013", fer), "train", FaceRecipe(votes=votes, votes_share=0.5), missed)
    assert len(faces.images) == 41 and len(missed) == 1 and "rater" in next(iter(missed.values()))
    angry = faces.targets[faces.labels == CLASSES.index("anger")]
    np.testing.assert_allclose(angry[:, CLASSES.index("anger")], 0.5 + 0.5 * 0.8)
    np.testing.assert_allclose(angry[:, CLASSES.index("neutral")], 0.5 * 0.2)
    plain = learned_from(open_corpus("fer2013", fer), "train", FaceRecipe(), {})
    assert plain.targets.ndim == 1 and len(plain.images) == 42


def test_a_run_with_votes_answers_and_new_data(fer, votes, tmp_path):
    names = list(open_corpus("fer2013", fer).table("train").key)
    answers = pd.DataFrame({"name": names, **dict.fromkeys(CLASSES, 1 / 7)})
    answers.to_csv(tmp_path / "answers.csv", index=False)
    # Names of the other splits are not in it: the table is of what the peer was asked about.
    with pytest.raises(CorpusError, match="none of the 28 items"):
        train.face({"fer2013": fer}, tmp_path / "bad", epochs=1, batch=14, votes=votes, answers=tmp_path / "answers.csv")
    others = table(tmp_path / "strangers.csv", seed=9, per_class=(1, 1, 6))
    given = {"epochs": 1, "batch": 14, "votes": votes, "unseen": f"fer2013={others}", "prior_strength": 0.5}
    run = train.face({"fer2013": fer}, tmp_path / "out", **given)
    card = run.card.read_text()
    rows = [line for line in card.splitlines() if line.startswith("| ")]
    assert "new data (strangers)" in rows[1] and "majority of raters" in rows[2] and "official test" in rows[3]
    assert "Cross-entropy of the answers" in card and "2 pictures with hardly a vote" in card and str(tmp_path) not in card
    model = FaceModel(run.weights)
    answers = model.answers(np.zeros((3, 48, 48), np.uint8))
    assert np.isfinite(answers.typical).all() and np.isfinite(answers.covered).all() and answers.covered.shape == (3, 2)
    assert sum(model.calibration.prior) == pytest.approx(1) and model.meta["mirror"] is False
    # What only matters afterwards may change without training again; everything else may not.
    again = train.face({"fer2013": fer}, tmp_path / "out", **(given | {"prior_strength": 0.0}))
    change = FaceModel(again.weights).net.classifier.bias - model.net.classifier.bias
    np.testing.assert_allclose(change.detach(), 0.5 * np.log(model.calibration.prior), atol=2e-3)


def test_scores_on_new_data_are_cross_fitted(rng):
    truth = rng.integers(0, 7, 900)
    sharp = 6.0 * (np.eye(7)[truth] * 2 + rng.normal(size=(900, 7)))  # logits three times as large as they should be
    logits = np.vstack([sharp, np.full((100, 7), np.nan)])
    targets = np.eye(7)[np.concatenate([truth, rng.integers(0, 7, 100)])]
    keys = [str(number) for number in range(1000)]
    missed = dict.fromkeys(keys[900:], "no face")
    scores = on_new_data(Predictions(logits, targets, np.full(1000, ""), keys, CLASSES, missed)).scores
    assert scores["accuracy"].value == pytest.approx((sharp.argmax(1) == truth).sum() / 1000)
    assert scores["coverage"].value == pytest.approx(0.9, abs=0.03)
    assert scores["calibration_error"].value < 0.06
    raw = softmax(sharp).max(1).mean() - (sharp.argmax(1) == truth).mean()
    assert raw > 0.05  # which it would be without the temperature


def test_the_score_of_an_epoch_is_the_share_that_the_answer_has():
    logits = np.array([[2.0, 0.0], [0.0, 1.0]])
    assert mass_on_answer(logits, np.array([0, 0])) == 0.5
    assert mass_on_answer(logits, np.array([[0.7, 0.3], [0.4, 0.6]])) == pytest.approx(0.65)
