"""Settings by name, as functions of Python take them; written by scripts/typed_fields.py, not by hand.

Type checkers alone look at these classes. What a setting means, its default and its bounds stand in the class of settings that
each is named after.
"""

from __future__ import annotations

from pathlib import Path
from typing import TypedDict


class OptionsFields(TypedDict, total=False):
    """Fields of ``Options``."""

    modalities: tuple[str, ...] | list[str]
    language: str | None
    voices: int
    translate: bool
    device: str
    seed: int
    rate: float
    window: float
    cam_method: str
    faithfulness: int
    threads: int
    place: str
    when: str
    store: str | Path
    prior: str
    use_usual: bool
    places: str | Path
    pairs: str | Path
    model: tuple[str, ...] | list[str]
    model_scores: str
    model_preprocess: str
    background: str | Path
    transcript: str | Path
    cover: tuple[str, ...] | list[str]
    anonymous: bool
    keep_words: bool
    fusion: str


class ViewSettingsFields(TypedDict, total=False):
    """Fields of ``ViewSettings``."""

    host: str
    port: int
    token: str
    browser: bool
    upload_limit: float


class BackgroundRecipeFields(TypedDict, total=False):
    """Fields of ``BackgroundRecipe``."""

    epochs: int
    batch: int
    rate: float
    weight_decay: float
    smoothing: float
    noise: float
    parts: int
    seed: int


class BcLstmRecipeFields(TypedDict, total=False):
    """Fields of ``BcLstmRecipe``."""

    modalities: tuple[str, ...] | list[str]
    speakers: bool
    target: bool
    balanced: bool
    epochs: int
    patience: int
    batch: int
    rate: float
    weight_decay: float
    smoothing: float
    branch: float
    limit: float
    share: float
    seeds: int
    seed: int


class FaceRecipeFields(TypedDict, total=False):
    """Fields of ``FaceRecipe``."""

    epochs: int
    batch: int
    rate: float
    weight_decay: float
    warmup: float
    label_smoothing: float
    teacher_share: float
    small_size: int
    small_until: float
    strong_until: float
    average_decay: float
    plain_last_epochs: int
    photometric: float
    zooms: tuple[float, ...] | list[float]
    mirror: bool
    votes: Path | None
    votes_share: float
    answers: Path | None
    answers_share: float
    answers_temperature: float
    prior_strength: float
    unseen: str
    device: str
    precision: str
    start: Path | None
    seed: int


class FusionRecipeFields(TypedDict, total=False):
    """Fields of ``FusionRecipe``."""

    epochs: int
    cases: int
    batch: int
    rate: float
    weight_decay: float
    smoothing: float
    keep: float
    noise: float
    width: int
    folds: int
    draws: int
    seed: int


class GaitRecipeFields(TypedDict, total=False):
    """Fields of ``GaitRecipe``."""

    epochs: int
    batch: int
    rate: float
    weight_decay: float
    smoothing: float
    turn: float
    scale: float
    noise: float
    jitter: float
    mask: float
    seeds: int
    seed: int


class PostureRecipeFields(TypedDict, total=False):
    """Fields of ``PostureRecipe``."""

    epochs: int
    batch: int
    rate: float
    weight_decay: float
    smoothing: float
    turn: float
    noise: float
    mask: float
    half: float
    rebuild: float
    seeds: int
    seed: int


class SpeakersRecipeFields(TypedDict, total=False):
    """Fields of ``SpeakersRecipe``."""

    directions: int
    shrink: float
    worth: float
    conversations: int
    seed: int


class SpeechRecipeFields(TypedDict, total=False):
    """Fields of ``SpeechRecipe``."""

    kind: str
    epochs: int
    batch: int
    rate: float
    weight_decay: float
    mask: float
    noise: float
    supervision: float
    smoothing: float
    divergence: float
    seeds: int
    seed: int


class VoiceRecipeFields(TypedDict, total=False):
    """Fields of ``VoiceRecipe``."""

    copies: int
    draws: int
    turns: int
    shrink: float
    limit: float
    components: int
    penalty: float
    invariance: float
    epochs: int
    least_typical: float
    seed: int


class WordsRecipeFields(TypedDict, total=False):
    """Fields of ``WordsRecipe``."""

    epochs: int
    each: int
    errors: float
    batch: int
    rate: float
    head_rate: float
    warmup: float
    weight_decay: float
    bfloat16: bool
    start: Path | None
    seed: int


class ConceptSettingsFields(TypedDict, total=False):
    """Fields of ``ConceptSettings``."""

    split: str
    concepts: tuple[str, ...] | list[str]
    query: tuple[str, ...] | list[str]
    examples: tuple[Path, ...] | list[Path]
    against: tuple[str, ...] | list[str]
    norms: Path | None
    units: Path | None
    layers: tuple[str, ...] | list[str]
    method: str
    step: str
    draws: int
    counterparts: int
    bootstraps: int
    pool: int
    seed: int


class FeatureSettingsFields(TypedDict, total=False):
    """Fields of ``FeatureSettings``."""

    kind: str
    plant: bool
    seed: int


class LatentSettingsFields(TypedDict, total=False):
    """Fields of ``LatentSettings``."""

    kind: str
    seeds: int
    draws: int
    epochs: int
    seed: int


class ObjectSettingsFields(TypedDict, total=False):
    """Fields of ``ObjectSettings``."""

    split: str
    weights: Path | None
    scores: str
    preprocess: str
    layer: str
    objects: str
    overlaps: str
    labels: Path | None
    target: str
    methods: tuple[str, ...] | list[str]
    preset: str
    truth: Path | None
    effects: int
    sample: int
    join: tuple[Path, ...] | list[Path]
    seed: int


class PropertySettingsFields(TypedDict, total=False):
    """Fields of ``PropertySettings``."""

    predictions: Path | None
    table: Path | None
    scores: str
    preprocess: str
    split: str
    only: tuple[str, ...] | list[str]
    interventions: tuple[str, ...] | list[str]
    sample: int
    labels: bool
    join: tuple[Path, ...] | list[Path]
    seed: int
