"""Training, one function a model; each trains, scores, calibrates, and writes weights with their card.

``settings`` is the recipe, a frozen dataclass whose fields have help and bounds; any field may also be given by its name. A
value that is not allowed is an error before work begins. For the same seed the same weights come out, and the
global random state of the process is left as it was.

Examples
--------
>>> from affectlens import train
>>> train.speech("emodb=/corpora/emodb", "runs/speech", epochs=0)
Traceback (most recent call last):
...
affectlens.core.errors.UsageError: --epochs 0: a number of at least 1 was expected
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from affectlens.core.progress import Progress
    from affectlens.learning.background import BackgroundRecipe
    from affectlens.learning.bclstm import BcLstmRecipe
    from affectlens.learning.face import FaceRecipe
    from affectlens.learning.fusion import FusionRecipe
    from affectlens.learning.motion import GaitRecipe, PostureRecipe
    from affectlens.learning.speech import SpeechRecipe
    from affectlens.learning.words import WordsRecipe
    from affectlens.training.run import Given, TrainingRun

__all__ = ["background", "bclstm", "face", "fusion", "gait", "posture", "speech", "words"]


def face(
    corpora: Given, out: str | Path, *, progress: Progress | None = None, settings: FaceRecipe | None = None, **changed: Any
) -> TrainingRun:
    """Train the face network on a corpus of face crops with the splits train, val and test (FER2013).

    A run that was stopped goes on from its last finished epoch. The epoch that does best on the validation split ships,
    calibrated there, and is scored on the test split once.

    Parameters
    ----------
    corpora : str, list of str or dict
        The corpus as ``NAME=PATH``, or a mapping from its name to its path.
    out : str or Path
        A folder for weights, card, scores, and what a stopped run goes on from.
    progress : Progress, optional
        Told of what is being done, how much of it is done, and of how much.
    settings : FaceRecipe, optional
        The recipe; the shipped one by default.
    **changed
        Fields of the recipe that are to differ.

    Returns
    -------
    TrainingRun
        Weights, card and scores.

    Raises
    ------
    UsageError
        A setting or a corpus that cannot be used.
    """
    from affectlens.core.progress import silent
    from affectlens.learning.face import FaceRecipe
    from affectlens.training.face_words import train_face_model
    from affectlens.training.run import folder_of, one_corpus, recipe_of

    recipe = recipe_of(FaceRecipe, settings, changed)
    return train_face_model(*one_corpus(corpora), folder_of(out), recipe, progress or silent)


def words(
    corpora: Given, out: str | Path, *, progress: Progress | None = None, settings: WordsRecipe | None = None, **changed: Any
) -> TrainingRun:
    """Train the adapters of the words network on a corpus of texts with the splits train, dev and test (GoEmotions).

    A run that was stopped goes on from its last finished epoch.

    Parameters
    ----------
    corpora : str, list of str or dict
        The corpus as ``NAME=PATH``, or a mapping from its name to its path.
    out : str or Path
        A folder for weights, card, scores, and what a stopped run goes on from.
    progress : Progress, optional
        Told of what is being done, how much of it is done, and of how much.
    settings : WordsRecipe, optional
        The recipe; the shipped one by default.
    **changed
        Fields of the recipe that are to differ.

    Returns
    -------
    TrainingRun
        Weights, card and scores.

    Raises
    ------
    UsageError
        A setting or a corpus that cannot be used.
    """
    from affectlens.core.progress import silent
    from affectlens.learning.words import WordsRecipe
    from affectlens.training.face_words import train_words_model
    from affectlens.training.run import folder_of, one_corpus, recipe_of

    recipe = recipe_of(WordsRecipe, settings, changed)
    return train_words_model(*one_corpus(corpora), folder_of(out), recipe, progress or silent)


def speech(
    corpora: Given, out: str | Path, *, progress: Progress | None = None, settings: SpeechRecipe | None = None, **changed: Any
) -> TrainingRun:
    """Train the speech autoencoder on two or more corpora of speech.

    Scores come from models that are trained by the same recipe within each corpus, across corpora, and on all corpora but the
    one tested; what a stopped run has measured is used again.

    Parameters
    ----------
    corpora : str, list of str or dict
        Paths by the name of their corpus, or ``NAME=PATH``, one or several.
    out : str or Path
        A folder for weights, card, scores, and what a stopped run goes on from.
    progress : Progress, optional
        Told of what is being done, how much of it is done, and of how much.
    settings : SpeechRecipe, optional
        The recipe; the shipped one by default.
    **changed
        Fields of the recipe that are to differ.

    Returns
    -------
    TrainingRun
        Weights, card and scores.

    Raises
    ------
    UsageError
        A setting or a corpus that cannot be used.
    """
    from affectlens.core.progress import silent
    from affectlens.learning.speech import SpeechRecipe
    from affectlens.training.run import corpora_of, folder_of, recipe_of
    from affectlens.training.speech import train_speech_model

    recipe = recipe_of(SpeechRecipe, settings, changed)
    return train_speech_model(corpora_of(corpora), folder_of(out), recipe, progress or silent)


def gait(
    corpora: Given, out: str | Path, *, progress: Progress | None = None, settings: GaitRecipe | None = None, **changed: Any
) -> TrainingRun:
    """Train the gait network on a corpus of motion.

    For its scores one type of motion is left out at a time.

    Parameters
    ----------
    corpora : str, list of str or dict
        The corpus as ``NAME=PATH``, or a mapping from its name to its path.
    out : str or Path
        A folder for weights, card, scores, and what a stopped run goes on from.
    progress : Progress, optional
        Told of what is being done, how much of it is done, and of how much.
    settings : GaitRecipe, optional
        The recipe; the shipped one by default.
    **changed
        Fields of the recipe that are to differ.

    Returns
    -------
    TrainingRun
        Weights, card and scores.

    Raises
    ------
    UsageError
        A setting or a corpus that cannot be used.
    """
    from affectlens.core.progress import silent
    from affectlens.learning.motion import GaitRecipe
    from affectlens.training.motion import train_gait_model
    from affectlens.training.run import folder_of, one_corpus, recipe_of

    recipe = recipe_of(GaitRecipe, settings, changed)
    return train_gait_model(*one_corpus(corpora), folder_of(out), recipe, progress or silent)


def posture(
    corpora: Given, out: str | Path, *, progress: Progress | None = None, settings: PostureRecipe | None = None, **changed: Any
) -> TrainingRun:
    """Train the posture network on single skeletons of a corpus of motion.

    For its scores one type of motion is left out at a time.

    Parameters
    ----------
    corpora : str, list of str or dict
        The corpus as ``NAME=PATH``, or a mapping from its name to its path.
    out : str or Path
        A folder for weights, card, scores, and what a stopped run goes on from.
    progress : Progress, optional
        Told of what is being done, how much of it is done, and of how much.
    settings : PostureRecipe, optional
        The recipe; the shipped one by default.
    **changed
        Fields of the recipe that are to differ.

    Returns
    -------
    TrainingRun
        Weights, card and scores.

    Raises
    ------
    UsageError
        A setting or a corpus that cannot be used.
    """
    from affectlens.core.progress import silent
    from affectlens.learning.motion import PostureRecipe
    from affectlens.training.motion import train_posture_model
    from affectlens.training.run import folder_of, one_corpus, recipe_of

    recipe = recipe_of(PostureRecipe, settings, changed)
    return train_posture_model(*one_corpus(corpora), folder_of(out), recipe, progress or silent)


def fusion(
    corpora: Given, out: str | Path, *, progress: Progress | None = None, settings: FusionRecipe | None = None, **changed: Any
) -> TrainingRun:
    """Train the network that fuses modules.

    Every subset of them is scored on held-out people under four ways of fusing first. Corpora of
    faces, speech, texts and motion are paired by class; one corpus of whole pictures holds everything by itself.

    Parameters
    ----------
    corpora : str, list of str or dict
        Paths by the name of their corpus, or ``NAME=PATH``, one or several.
    out : str or Path
        A folder for weights, card, scores, and what a stopped run goes on from.
    progress : Progress, optional
        Told of what is being done, how much of it is done, and of how much.
    settings : FusionRecipe, optional
        The recipe; the shipped one by default.
    **changed
        Fields of the recipe that are to differ.

    Returns
    -------
    TrainingRun
        Weights, card and scores.

    Raises
    ------
    UsageError
        A setting or a corpus that cannot be used.
    """
    from affectlens.core.progress import silent
    from affectlens.learning.fusion import FusionRecipe
    from affectlens.training.fusion import train_fusion_model
    from affectlens.training.run import corpora_of, folder_of, recipe_of

    recipe = recipe_of(FusionRecipe, settings, changed)
    return train_fusion_model(corpora_of(corpora), folder_of(out), recipe, progress or silent)


def background(
    corpora: Given,
    out: str | Path,
    *,
    progress: Progress | None = None,
    settings: BackgroundRecipe | None = None,
    **changed: Any,
) -> TrainingRun:
    """Train the background network on a corpus of whole pictures: what they say without their people.

    Parameters
    ----------
    corpora : str, list of str or dict
        The corpus as ``NAME=PATH``, or a mapping from its name to its path.
    out : str or Path
        A folder for weights, card, scores, and what a stopped run goes on from.
    progress : Progress, optional
        Told of what is being done, how much of it is done, and of how much.
    settings : BackgroundRecipe, optional
        The recipe; the shipped one by default.
    **changed
        Fields of the recipe that are to differ.

    Returns
    -------
    TrainingRun
        Weights, card and scores.

    Raises
    ------
    UsageError
        A setting or a corpus that cannot be used.
    """
    from affectlens.core.progress import silent
    from affectlens.learning.background import BackgroundRecipe
    from affectlens.training.background import train_background_model
    from affectlens.training.run import folder_of, one_corpus, recipe_of

    recipe = recipe_of(BackgroundRecipe, settings, changed)
    return train_background_model(*one_corpus(corpora), folder_of(out), recipe, progress or silent)


def bclstm(
    corpora: Given, out: str | Path, *, progress: Progress | None = None, settings: BcLstmRecipe | None = None, **changed: Any
) -> TrainingRun:
    """Train the contextual LSTM on a corpus of dialogues, on its own split.

    Parameters
    ----------
    corpora : str, list of str or dict
        The corpus as ``NAME=PATH``, or a mapping from its name to its path.
    out : str or Path
        A folder for weights, card, scores, and what a stopped run goes on from.
    progress : Progress, optional
        Told of what is being done, how much of it is done, and of how much.
    settings : BcLstmRecipe, optional
        The recipe; the shipped one by default.
    **changed
        Fields of the recipe that are to differ.

    Returns
    -------
    TrainingRun
        Weights, card and scores.

    Raises
    ------
    UsageError
        A setting or a corpus that cannot be used.
    """
    from affectlens.core.progress import silent
    from affectlens.learning.bclstm import BcLstmRecipe
    from affectlens.training.bclstm import train_bclstm_model
    from affectlens.training.run import folder_of, one_corpus, recipe_of

    recipe = recipe_of(BcLstmRecipe, settings, changed)
    return train_bclstm_model(*one_corpus(corpora), folder_of(out), recipe, progress or silent)
