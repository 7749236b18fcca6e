"""Training, one function a model; each trains, scores, calibrates, and writes weights with their card.

``settings`` is the recipe, a frozen dataclass whose fields have help and bounds; any field may also be given by its name. A
value that is not allowed is an error before work begins. For the same seed the same weights come out, and the
global random state of the process is left as it was. All functions are called alike.

Parameters
----------
corpora : str, list of str or dict
    Corpora as ``NAME=PATH``, or a mapping from their names to their paths.
out : str or Path
    A folder for weights, card, scores, and what a stopped run goes on from.
threads : int
    Threads of torch, for as long as it takes.
progress : Progress, optional
    Called with what is being done, how much of it is done, and how much there is.
settings : Settings, optional
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
    A setting, or a corpus of another kind.
CorpusError
    A corpus that holds too little.

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
from typing import TYPE_CHECKING, Any, Unpack

from affectlens.core.settings import shows_fields
from affectlens.learning.recipes import (
    BackgroundRecipe,
    BcLstmRecipe,
    FaceRecipe,
    FusionRecipe,
    GaitRecipe,
    PostureRecipe,
    SpeechRecipe,
    VoiceRecipe,
    WordsRecipe,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from affectlens.core.fields import (
        BackgroundRecipeFields,
        BcLstmRecipeFields,
        FaceRecipeFields,
        FusionRecipeFields,
        GaitRecipeFields,
        PostureRecipeFields,
        SpeechRecipeFields,
        VoiceRecipeFields,
        WordsRecipeFields,
    )
    from affectlens.core.progress import Progress
    from affectlens.core.settings import Settings
    from affectlens.corpora.base import Corpora
    from affectlens.training.run import TrainingRun

__all__ = ["background", "bclstm", "face", "fusion", "gait", "posture", "speech", "voice", "words"]


def __dir__() -> list[str]:
    return __all__


@shows_fields(FaceRecipe)
def face(
    corpora: Corpora,
    out: str | Path,
    *,
    threads: int = 1,
    progress: Progress | None = None,
    settings: FaceRecipe | None = None,
    **changed: Unpack[FaceRecipeFields],
) -> TrainingRun:
    """Train the face network on a corpus of face crops with the splits train, val and test (FER2013).

    A run that was stopped goes on from its last finished epoch. The epoch that does best on the validation split ships,
    calibrated there, and is scored on the test split once.

    Returns
    -------
    TrainingRun
        Weights, card and scores.
    """
    from affectlens.training.face_words import train_face_model

    return _train(FaceRecipe, train_face_model, corpora, out, threads, progress, settings, changed)


@shows_fields(WordsRecipe)
def words(
    corpora: Corpora,
    out: str | Path,
    *,
    threads: int = 1,
    progress: Progress | None = None,
    settings: WordsRecipe | None = None,
    **changed: Unpack[WordsRecipeFields],
) -> TrainingRun:
    """Train the adapters of the words network on a corpus of texts with the splits train, dev and test (GoEmotions).

    A run that was stopped goes on from its last finished epoch.

    Returns
    -------
    TrainingRun
        Weights, card and scores.
    """
    from affectlens.training.face_words import train_words_model

    return _train(WordsRecipe, train_words_model, corpora, out, threads, progress, settings, changed)


@shows_fields(SpeechRecipe)
def speech(
    corpora: Corpora,
    out: str | Path,
    *,
    threads: int = 1,
    progress: Progress | None = None,
    settings: SpeechRecipe | None = None,
    **changed: Unpack[SpeechRecipeFields],
) -> TrainingRun:
    """Train the speech autoencoder on two or more corpora of speech.

    Scores come from models that are trained by the same recipe within each corpus, across corpora, and on all corpora but the
    one tested; what a stopped run has measured is used again.

    Returns
    -------
    TrainingRun
        Weights, card and scores.
    """
    from affectlens.training.speech import train_speech_model

    return _train(SpeechRecipe, train_speech_model, corpora, out, threads, progress, settings, changed, several=True)


@shows_fields(VoiceRecipe)
def voice(
    corpora: Corpora,
    out: str | Path,
    *,
    threads: int = 1,
    progress: Progress | None = None,
    settings: VoiceRecipe | None = None,
    **changed: Unpack[VoiceRecipeFields],
) -> TrainingRun:
    """Train the head on Whisper's states, and how it joins the speech autoencoder, on two or more corpora of speech.

    Each corpus is left out in turn; weights of the two answers, calibration and scores come from corpora that were not heard.
    What the encoder heard is kept, and a stopped run goes on.

    Returns
    -------
    TrainingRun
        Weights, card and scores.
    """
    from affectlens.training.voice import train_voice_model

    return _train(VoiceRecipe, train_voice_model, corpora, out, threads, progress, settings, changed, several=True)


@shows_fields(GaitRecipe)
def gait(
    corpora: Corpora,
    out: str | Path,
    *,
    threads: int = 1,
    progress: Progress | None = None,
    settings: GaitRecipe | None = None,
    **changed: Unpack[GaitRecipeFields],
) -> TrainingRun:
    """Train the gait network on a corpus of motion.

    For its scores one type of motion is left out at a time.

    Returns
    -------
    TrainingRun
        Weights, card and scores.
    """
    from affectlens.training.motion import train_gait_model

    return _train(GaitRecipe, train_gait_model, corpora, out, threads, progress, settings, changed)


@shows_fields(PostureRecipe)
def posture(
    corpora: Corpora,
    out: str | Path,
    *,
    threads: int = 1,
    progress: Progress | None = None,
    settings: PostureRecipe | None = None,
    **changed: Unpack[PostureRecipeFields],
) -> TrainingRun:
    """Train the posture network on single skeletons of a corpus of motion.

    For its scores one type of motion is left out at a time.

    Returns
    -------
    TrainingRun
        Weights, card and scores.
    """
    from affectlens.training.motion import train_posture_model

    return _train(PostureRecipe, train_posture_model, corpora, out, threads, progress, settings, changed)


@shows_fields(FusionRecipe)
def fusion(
    corpora: Corpora,
    out: str | Path,
    *,
    threads: int = 1,
    progress: Progress | None = None,
    settings: FusionRecipe | None = None,
    **changed: Unpack[FusionRecipeFields],
) -> TrainingRun:
    """Train the network that fuses modules.

    Every subset of them is scored on held-out people under four ways of fusing first. Corpora of
    faces, speech, texts and motion are paired by class; one corpus of whole pictures holds everything by itself.

    Returns
    -------
    TrainingRun
        Weights, card and scores.
    """
    from affectlens.training.fusion import train_fusion_model

    return _train(FusionRecipe, train_fusion_model, corpora, out, threads, progress, settings, changed, several=True)


@shows_fields(BackgroundRecipe)
def background(
    corpora: Corpora,
    out: str | Path,
    *,
    threads: int = 1,
    progress: Progress | None = None,
    settings: BackgroundRecipe | None = None,
    **changed: Unpack[BackgroundRecipeFields],
) -> TrainingRun:
    """Train the background network on a corpus of whole pictures: what they say without their people."""
    from affectlens.training.background import train_background_model

    return _train(BackgroundRecipe, train_background_model, corpora, out, threads, progress, settings, changed)


@shows_fields(BcLstmRecipe)
def bclstm(
    corpora: Corpora,
    out: str | Path,
    *,
    threads: int = 1,
    progress: Progress | None = None,
    settings: BcLstmRecipe | None = None,
    **changed: Unpack[BcLstmRecipeFields],
) -> TrainingRun:
    """Train the contextual LSTM on a corpus of dialogues, on its own split."""
    from affectlens.training.bclstm import train_bclstm_model

    return _train(BcLstmRecipe, train_bclstm_model, corpora, out, threads, progress, settings, changed)


def _train(
    kind: type[Settings],
    run: Callable[..., TrainingRun],
    corpora: Corpora,
    out: str | Path,
    threads: int,
    progress: Progress | None,
    settings: Settings | None,
    changed: Mapping[str, Any],
    *,
    several: bool = False,
) -> TrainingRun:
    """Call ``run`` with one corpus or ``several``, the folder and the recipe, after all of them were checked."""
    from affectlens.assets.store import fetch
    from affectlens.core.disk.locks import alone_in
    from affectlens.core.failures import UNREAD, write_missed
    from affectlens.core.options import torch_threads
    from affectlens.core.progress import silent
    from affectlens.core.settings import with_fields
    from affectlens.corpora.base import corpora_of
    from affectlens.learning.loop import seeded
    from affectlens.training.run import folder_of, one_corpus

    recipe: Any = with_fields(kind, settings, changed)
    given = (corpora_of(corpora),) if several else one_corpus(corpora)
    with torch_threads(threads), seeded(recipe.seed):  # making a network to load weights into draws numbers too
        folder = folder_of(out)
        with alone_in(folder / ".lock", str(folder)):
            fetch(recipe.assets, progress)
            made = run(*given, folder, recipe, progress or silent)
            write_missed(made.missed, folder / UNREAD)
            return made
