"""Which pictures the report keeps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from affectlens.modalities.base import Picture
from affectlens.report.bundle import VIEWS, Gallery
from tests.fusion.clips import finding


def view(label, rank, person=0, start=0.0):
    made = finding("face", start, start + 1, person, **{label: 0.6})
    return replace(made, rank=rank, pictures=(Picture("face", "the face", np.zeros((2, 2, 3), np.uint8)),))


def test_the_best_view_of_a_class_is_kept_whatever_the_order():
    for ranks in ((0.2, 0.9, 0.5), (0.9, 0.5, 0.2), (0.2, 0.5, 0.9)):
        gallery = Gallery()
        for i, rank in enumerate(ranks):
            gallery.offer(view("anger", rank, start=float(i)))
        assert [f.rank for f in gallery.of(0)] == [0.9]


def test_the_best_classes_of_a_person_are_kept():
    gallery = Gallery()
    ranks = {"anger": 0.1, "fear": 0.6, "sadness": 0.3, "neutral": 0.9, "happiness": 0.5}
    for i, (label, rank) in enumerate(ranks.items()):
        gallery.offer(view(label, rank, start=float(i)))
    assert [finding.row.label for finding in gallery.of(0)] == ["fear", "neutral", "happiness"] and len(gallery.of(0)) == VIEWS


def test_people_are_kept_apart_and_findings_without_pictures_are_passed_over():
    gallery = Gallery()
    gallery.offer(view("anger", 0.5, person=0))
    gallery.offer(view("anger", 0.4, person=1))
    gallery.offer(finding("face", 0, 1, 2, anger=0.9))
    assert [len(gallery.of(p)) for p in (0, 1, 2)] == [1, 1, 0]
