"""``affectlens.train`` as type checkers know it; written by scripts/typed_fields.py, not by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Unpack

    from affectlens.core.progress import Progress
    from affectlens.corpora.base import Corpora
    from affectlens.learning.recipes.background import BackgroundRecipe
    from affectlens.learning.recipes.bclstm import BcLstmRecipe
    from affectlens.learning.recipes.face import FaceRecipe
    from affectlens.learning.recipes.fusion import FusionRecipe
    from affectlens.learning.recipes.gait import GaitRecipe
    from affectlens.learning.recipes.posture import PostureRecipe
    from affectlens.learning.recipes.speakers import SpeakersRecipe
    from affectlens.learning.recipes.speech import SpeechRecipe
    from affectlens.learning.recipes.voice import VoiceRecipe
    from affectlens.learning.recipes.words import WordsRecipe
    from affectlens.training.run import TrainingRun
    from affectlens.typed.fields import (
        BackgroundRecipeFields,
        BcLstmRecipeFields,
        FaceRecipeFields,
        FusionRecipeFields,
        GaitRecipeFields,
        PostureRecipeFields,
        SpeakersRecipeFields,
        SpeechRecipeFields,
        VoiceRecipeFields,
        WordsRecipeFields,
    )

    __all__ = ["background", "bclstm", "face", "fusion", "gait", "posture", "speakers", "speech", "voice", "words"]

    def background(
        corpora: Corpora,
        out: str | Path,
        *,
        threads: int = 1,
        progress: Progress | None = None,
        settings: BackgroundRecipe | None = None,
        **fields: Unpack[BackgroundRecipeFields],
    ) -> TrainingRun:
        """Train the background network on a corpus of whole pictures: what they say without their people."""

    def bclstm(
        corpora: Corpora,
        out: str | Path,
        *,
        threads: int = 1,
        progress: Progress | None = None,
        settings: BcLstmRecipe | None = None,
        **fields: Unpack[BcLstmRecipeFields],
    ) -> TrainingRun:
        """Train the contextual LSTM on a corpus of dialogues, on its own split."""

    def face(
        corpora: Corpora,
        out: str | Path,
        *,
        threads: int = 1,
        progress: Progress | None = None,
        settings: FaceRecipe | None = None,
        **fields: Unpack[FaceRecipeFields],
    ) -> TrainingRun:
        """Train the face network on a corpus of face crops with the splits train, val and test (FER2013)."""

    def fusion(
        corpora: Corpora,
        out: str | Path,
        *,
        threads: int = 1,
        progress: Progress | None = None,
        settings: FusionRecipe | None = None,
        **fields: Unpack[FusionRecipeFields],
    ) -> TrainingRun:
        """Train the network that fuses modules."""

    def gait(
        corpora: Corpora,
        out: str | Path,
        *,
        threads: int = 1,
        progress: Progress | None = None,
        settings: GaitRecipe | None = None,
        **fields: Unpack[GaitRecipeFields],
    ) -> TrainingRun:
        """Train the gait network on a corpus of motion."""

    def posture(
        corpora: Corpora,
        out: str | Path,
        *,
        threads: int = 1,
        progress: Progress | None = None,
        settings: PostureRecipe | None = None,
        **fields: Unpack[PostureRecipeFields],
    ) -> TrainingRun:
        """Train the posture network on single skeletons of a corpus of motion."""

    def speakers(
        corpora: Corpora,
        out: str | Path,
        *,
        threads: int = 1,
        progress: Progress | None = None,
        settings: SpeakersRecipe | None = None,
        **fields: Unpack[SpeakersRecipeFields],
    ) -> TrainingRun:
        """Fit the space in which voices are told apart, on two or more corpora of speech by several people each."""

    def speech(
        corpora: Corpora,
        out: str | Path,
        *,
        threads: int = 1,
        progress: Progress | None = None,
        settings: SpeechRecipe | None = None,
        **fields: Unpack[SpeechRecipeFields],
    ) -> TrainingRun:
        """Train the speech autoencoder on two or more corpora of speech."""

    def voice(
        corpora: Corpora,
        out: str | Path,
        *,
        threads: int = 1,
        progress: Progress | None = None,
        settings: VoiceRecipe | None = None,
        **fields: Unpack[VoiceRecipeFields],
    ) -> TrainingRun:
        """Train the head on Whisper's states, and how it joins the speech autoencoder, on two or more corpora of speech."""

    def words(
        corpora: Corpora,
        out: str | Path,
        *,
        threads: int = 1,
        progress: Progress | None = None,
        settings: WordsRecipe | None = None,
        **fields: Unpack[WordsRecipeFields],
    ) -> TrainingRun:
        """Train the adapters of the words network on corpora of texts or dialogues with the splits train, dev and test."""
