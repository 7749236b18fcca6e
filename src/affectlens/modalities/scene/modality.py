"""The surroundings: things, measured looks, the kind of place, adjective-noun pairs. Evidence for the situation, no opinion."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from affectlens.assets.store import locate
from affectlens.context.pairs import Pair, PairClassifier, pairs_of
from affectlens.context.place import SURE, Place, infer_place, place_of
from affectlens.context.place_table import SURFACES
from affectlens.core.options import Options
from affectlens.core.schema import SCENE, Evidence, Row
from affectlens.media.frames import Frame
from affectlens.modalities.base import Clip, Finding, Modality, SceneView, register_modality
from affectlens.modalities.scene.evidence import LookDetail, PairDetail, PlaceDetail, ThingDetail
from affectlens.perception.people.finder import Person
from affectlens.perception.scene.appearance import ADJECTIVES, MEASURES, adjectives, measure
from affectlens.perception.scene.objects import Thing, object_detector

_SHOWN = 640  # pixels of the kept picture's longer side


@register_modality
class SceneModality(Modality):
    """Looks at one frame a window; keeps sums over windows, so memory does not grow with the recording."""

    name = "scene"
    assets = ("efficientdet-lite0",)

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self.find = object_detector(locate("efficientdet-lite0"), options.threads)
        self.places: Any = None
        if options.places:
            from affectlens.models.shipped.places365 import Places365

            self.places = Places365(Path(options.places))
        self.classifier = PairClassifier(Path(options.pairs)) if options.pairs else None

    def begin(self, clip: Clip) -> None:
        """Forget the last recording."""
        self._windows = 0
        self._looked = False
        self._seen: dict[str, float] = defaultdict(float)  # sums over windows of a thing's surest score
        self._often: dict[str, int] = defaultdict(int)
        self._most: dict[str, int] = defaultdict(int)
        self._sum: dict[str, float] = defaultdict(float)
        self._count: dict[str, int] = defaultdict(int)
        self._kinds: dict[str, float] = defaultdict(float)
        self._indoors = 0.0
        self._best: tuple[float, np.ndarray, list[Thing]] | None = None

    def watch(self, clip: Clip, frame: Frame, people: list[Person]) -> None:
        """See one sampled frame."""
        needed = clip.explaining or self.options.store or self.options.prior
        if self._looked or not needed:
            return
        self._looked = True
        self._windows += 1
        things = self.find(frame.image)
        for name in {thing.name for thing in things}:
            same = [thing for thing in things if thing.name == name]
            self._seen[name] += max(thing.score for thing in same)
            self._often[name] += 1
            self._most[name] = max(self._most[name], len(same))
        for name, value in measure(frame.image, things).items():
            if np.isfinite(value):
                self._sum[name] += value
                self._count[name] += 1
        if self.places:
            kinds, indoors = self.places(frame.image)
            self._indoors += indoors
            for kind, probability in kinds.items():
                self._kinds[kind] += probability
        rank = sum(thing.score for thing in things)
        if self._best is None or rank > self._best[0]:
            self._best = (rank, frame.image.copy(), things)

    def window(self, clip: Clip, start: float, end: float) -> list[Finding]:
        """The findings of the window that just ended."""
        self._looked = False
        return []

    def finish(self, clip: Clip, findings: list[Finding]) -> tuple[list[Finding], list[Evidence]]:
        """The findings of the whole recording."""
        clip.place, alternatives = self._place(clip)
        if not clip.explaining or self._best is None:
            return [], []
        about = Row(clip.file, 0.0, clip.end, SCENE, self.name, "missing", "the surroundings express nothing by themselves")
        means = self._means()
        _, image, things = self._best
        pairs = pairs_of(image, things, clip.place)
        evidence = [self._place_evidence(clip, about, clip.place, alternatives)]
        evidence += self._thing_evidence(clip, about)
        evidence += _look_evidence(clip, about, means, self._windows)
        evidence += [_pair_evidence(clip, about, pair, clip.place) for pair in pairs]
        if self.classifier:
            evidence += [
                clip.evidence(
                    about,
                    "pair",
                    probability,
                    subject=text,
                    unit="probability",
                    method="classifier of adjective-noun pairs",
                    detail=PairDetail(f"classifier {probability:.2f}", (), float(probability)),
                )
                for text, probability in self.classifier(image)
            ]
        factor = min(1.0, _SHOWN / max(image.shape[:2]))
        shown = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA) if factor < 1 else image
        boxes = tuple(replace(thing, box=tuple(pixel * factor for pixel in thing.box)) for thing in things)
        clip.scene = SceneView(shown, boxes)
        return [], evidence

    def _means(self) -> dict[str, float]:
        return {
            measured.name: self._sum[measured.name] / self._count[measured.name] if self._count[measured.name] else float("nan")
            for measured in MEASURES
        }

    def _place(self, clip: Clip) -> tuple[Place, dict[str, float]]:
        given = place_of(clip.path, self.options.place)
        seen = {name: total / self._windows for name, total in self._seen.items()}
        inferred, posterior = infer_place(seen, self._means()) if self._windows else (Place("", None, "no picture"), {})
        if self.places and self._windows:
            posterior = {
                kind: share / self._windows for kind, share in sorted(self._kinds.items(), key=lambda entry: -entry[1])
            }
            indoors = self._indoors / self._windows
            kind, sure = next(iter(posterior.items()))
            inferred = Place(kind if sure >= SURE else "", indoors > 0.5, "Places365 network", sure)
        if given.kind:
            clash = given.indoor is not None and inferred.indoor is not None and given.indoor != inferred.indoor
            if clash:
                clip.problems.add(
                    f"the place is {given.kind.replace('_', ' ')} ({given.source}), but what is seen looks "
                    f"{'in' if inferred.indoor else 'out'}doors; the place that was given is kept"
                )
            return given, posterior
        return inferred, posterior

    def _place_evidence(self, clip: Clip, about: Row, place: Place, posterior: dict[str, float]) -> Evidence:
        top = dict(list(posterior.items())[:3])
        return clip.evidence(
            about,
            "place",
            place.sure if place.kind else float("nan"),
            method="naive Bayes over things and surfaces" if place.source == "things and surfaces seen" else place.source,
            detail=PlaceDetail(
                place.kind, place.indoor, place.source, {kind: round(float(share), 3) for kind, share in top.items()}
            ),
        )

    def _thing_evidence(self, clip: Clip, about: Row) -> list[Evidence]:
        ranked = sorted(self._often, key=lambda name: (-self._often[name], -self._seen[name]))[:12]
        return [
            clip.evidence(
                about,
                "thing",
                self._often[name] / self._windows,
                subject=name,
                method="EfficientDet-Lite0",
                detail=ThingDetail(round(self._seen[name] / self._often[name], 3), self._most[name], self._windows),
            )
            for name in ranked
        ]


def _look_evidence(clip: Clip, about: Row, means: dict[str, float], windows: int) -> list[Evidence]:
    words = adjectives(means)
    if clip.place is None or clip.place.indoor is not False:  # a bright wall is neither snow nor a clear sky
        words = {word: why for word, why in words.items() if ADJECTIVES[word][0] not in SURFACES}
    by = {ADJECTIVES[word][0]: (word, why) for word, why in words.items()}
    return [
        clip.evidence(
            about,
            "look",
            means[measured.name],
            subject=measured.name,
            unit=measured.unit,
            method="measured without the people",
            detail=LookDetail(*by.get(measured.name, ("", "")), windows),
        )
        for measured in MEASURES
        if np.isfinite(means[measured.name])
    ]


def _pair_evidence(clip: Clip, about: Row, pair: Pair, place: Place) -> Evidence:
    sure = place.sure if pair.noun == place.kind else 1.0
    return clip.evidence(
        about,
        "pair",
        sure,
        subject=pair.text,
        unit="probability of the place" if sure < 1 else "measured",
        method="detected noun, measured adjective",
        detail=PairDetail(pair.why, tuple(pair.vocabularies), round(sure, 3)),
    )
