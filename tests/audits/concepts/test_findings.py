"""What the audit of concepts says in sentences."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from affectlens.audits.concepts.findings import cautions, findings, methods_paragraph, support_sentences


def told(**more):
    columns = {"layer": ["branches.text.dense", "dense", "dense"], "concept": ["smile", "smile", "loud"], "class": ["joy", "joy", "fear"],
               "statistic": [0.4, -0.9, 0.2], "low": [0.1, -1.1, 0.1], "high": [0.6, -0.7, 0.3], "p_max_t": [0.05, 0.01, 0.2],
               "accuracy_p_value": [0.05, 0.02, 0.01], "p_within_labels": [np.nan, 0.2, 0.2], "p_within_labels_bh": [np.nan, 0.2, 0.2]}  # fmt: skip
    return SimpleNamespace(tests=pd.DataFrame(columns | more))


def test_findings_by_hand():
    first, second = findings(told())
    assert first == (
        "2 of 3 tests hold over all tests (max-T, p ≤ .05) at layers that can tell the concept; 1 of 2 concepts are among them."
    )
    assert (
        second == "“smile” speaks for joy at text dense (+0.40 SD, +0.10 to +0.60; p = 0.05 over all tests)."
    )  # of two classes those with a sign above
    three = told(**{"class": ["joy", "awe", "fear"]})
    assert findings(three)[1] == (
        "“smile” speaks against awe at joined dense (-0.90 SD, -1.10 to -0.70; p = 0.01 over all tests). With the label held fixed "
        "it is not shown."
    )
    cut = findings(three, most=1)
    assert len(cut) == 3 and cut[2] == "The first 1 of 2 pairs of concept and class are shown; all are in tests.csv."
    more = told(
        **{
            "class": ["joy", "joy", "awe"],
            "statistic": [0.4, 0.9, 0.2],
            "p_max_t": [0.01] * 3,
            "p_within_labels_bh": [0.01, 0.05, 0.2],
        }
    )
    assert " and at 1 more layer. It stays within labels." in findings(more)[1] and findings(more)[1].startswith(
        "“smile” speaks for joy at joined dense"
    )
    many = told(
        layer=["a", "b", "c"],
        concept=["smile"] * 3,
        **{"class": ["joy"] * 3, "statistic": [0.4, 0.9, 0.2], "p_max_t": [0.01] * 3},
    )
    assert " and at 2 more layers." in findings(many)[1]
    assert findings(told(p_max_t=[0.051] * 3)) == [
        "Of 3 tests none holds over all of them (max-T) where the layer can tell the concept at all."
    ]


def test_sentences_on_support_and_cautions():
    support = pd.DataFrame(
        {
            "concept": ["a", "b"],
            "label_association": [0.45, 0.1],
            "most_with": ["joy", "fear"],
            "confounded_with_label": [True, False],
        }
    )
    pairs = pd.DataFrame({"concept": [f"c{i}" for i in range(8)], "other": "d", "association": 0.5})
    unsupported = {"x": "concept 'x' needs voice_a, which", "y": "concept 'y' needs voice_b, which", "z": "9 examples"}
    said = support_sentences(SimpleNamespace(support=support, pairs=pairs, unsupported=unsupported))
    assert said[0] == "Bound to the label at V ≥ 0.3: a (0.45, most with joy)."
    assert said[1].endswith("c5 and d (0.50) and 2 more.") and said[1].startswith("Hard to tell apart: c0 and d (0.50)")
    assert said[2] == "Left out: x, y (needs recordings, to measure the voice); z (9 examples)."
    none = SimpleNamespace(support=support.assign(confounded_with_label=False), pairs=pairs[:0], unsupported={})
    assert support_sentences(none) == ()
    warned = cautions(SimpleNamespace(warnings=("few examples",)))
    assert warned[0] == "Few examples." and len(warned) == 2


@pytest.mark.parametrize(("counterparts", "step"), [(0, "own"), (5, "all")])
def test_the_paragraph_names_what_was_done(counterparts, step):
    settings = {"counterparts": counterparts, "step": step, "method": "lda", "draws": 99, "seed": 4}
    provenance = SimpleNamespace(settings=settings, data={"items_examined": 70, "dialogues_examined": 9})
    text = methods_paragraph(SimpleNamespace(tests=told().tests, provenance=provenance))
    assert "at 2 layers of the network from ridge regression" in text and "a pool of 70 utterances of 9 dialogues" in text
    assert "2 concepts × 2 layers × 2 classes" in text and "K = 99 pseudo" in text and text.endswith("Seed 4; affectlens.")
    assert ("each of 5 random sets" in text) == bool(counterparts) and ("all other utterances" in text) == (not counterparts)
    assert ("summed over the layer's states of its dialogue" in text) == (step == "all")
