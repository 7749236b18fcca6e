"""The whole audit of concepts: which a corpus supports, how they hang together, and what they do for a model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from affectlens.audits.concepts.accuracy import held_out_accuracy
from affectlens.audits.concepts.completeness import completeness
from affectlens.audits.concepts.layers import LayerReading, cached, content_hash
from affectlens.audits.concepts.null import orders
from affectlens.audits.concepts.recurrent import context_layers, read_dialogues, rerun
from affectlens.audits.concepts.space import Space, directions
from affectlens.audits.concepts.tcav import FEWEST, ConceptTests, TestOptions, test_concepts
from affectlens.core.errors import UsageError
from affectlens.corpora.dialogues.base import DialogueSet
from affectlens.learning.bclstm import pack, predict
from affectlens.models.shipped.bclstm import BcLstmModel

Told = Callable[[str, int, int], None]
CONTROLS = 49  # dealings of the control of a direction's accuracy
SPANS = 19  # pseudo-concept spans against which completeness is held
CONFOUNDED = 0.3  # association with the label, or another concept, from which on it is pointed out


@dataclass(frozen=True)
class ConceptAudit:
    """``tests`` over concepts, layers and classes; ``support``: one row a concept; ``pairs``: associated concepts;
    ``agreement``: one row a concept and pair of layers; ``cosines``: directions of two concepts at one layer; ``whole``:
    completeness a layer; ``examples``: utterances to look at;
    ``about``: what was audited; ``unsupported``: concepts that the corpus cannot support, and why."""

    tests: ConceptTests
    support: pd.DataFrame
    pairs: pd.DataFrame
    agreement: pd.DataFrame
    cosines: pd.DataFrame
    whole: pd.DataFrame
    examples: pd.DataFrame
    about: dict[str, object]
    unsupported: dict[str, str]


def audit_concepts(
    model: BcLstmModel,
    data: DialogueSet,
    targets: dict[str, np.ndarray],
    *,
    layers: tuple[str, ...] | None = None,
    step: str = "own",
    pool: int = 1500,
    options: TestOptions | None = None,
    unsupported: dict[str, str] | None = None,
    cache: Path | None = None,
    progress: Told | None = None,
) -> ConceptAudit:
    """Audit a contextual LSTM on utterances with features; ``targets`` are concepts ``(n,)`` over them.

    Concepts with fewer than ``FEWEST`` examples in the pool (whole dialogues, about ``pool`` utterances) are left out and
    listed with the unsupported ones.

    Raises:
        UsageError: features that the model does not read, an unknown layer, no concept left.
    """
    options = options or TestOptions()
    lacking = [m for m in model.modalities if m not in data.features]
    if lacking:
        raise UsageError(f"the model reads {', '.join(model.modalities)}; this corpus has no {', '.join(lacking)} features")
    kept = pooled_rows(data, pool, np.random.default_rng(options.seed))
    data, targets = data.take(kept), {k: v[kept] for k, v in targets.items()}
    targets, why = _enough(targets, data.dialogues)
    why = {**(unsupported or {}), **why}
    if not targets:
        raise UsageError(f"no concept has {FEWEST} examples in {len(data)} utterances; enlarge --pool or name others")
    packed = pack(data.with_modalities(model.modalities), model.scale, model.limit)
    names = layers or context_layers(model.net)
    scored = sorted(set(data.labels[data.labels >= 0])) if (data.labels >= 0).any() else list(range(len(model.labels)))

    def read() -> dict[str, LayerReading]:
        return read_dialogues(model.net, packed, names, scored, step=step)

    key = content_hash(model.net, {m: x.numpy() for m, x in packed.features.items()}, names, scored, step)
    if progress:
        progress("reading layers", 0, 1)
    readings = cached(cache, key, read)
    if progress:
        progress("reading layers", 1, 1)
    logits = predict(model.net, packed)
    said = logits.argmax(axis=1)
    labels = np.where(data.labels >= 0, data.labels, said)
    classes, spaces = {}, {}
    for j, c in enumerate(scored):
        mine = np.flatnonzero(labels == c)
        if len(mine) >= 3:
            classes[model.labels[c]] = (j, mine)
    for layer, r in readings.items():
        assert r.gradients is not None
        # One row of gradients a class and input of that class, in the order of ``rows_of``.
        g = np.concatenate([r.gradients[mine, j] for j, mine in classes.values()])
        spaces[layer] = Space.of(r.activations, g)
    starts = np.cumsum([0, *(len(m) for _, m in classes.values())])
    rows_of = {c: np.arange(starts[i], starts[i + 1]) for i, c in enumerate(classes)}
    inputs = np.concatenate([m for _, m in classes.values()])
    tests = test_concepts(
        spaces, targets, rows_of, options, strata=labels, groups=data.dialogues, input_groups=data.dialogues[inputs],
        progress=progress,
    )  # fmt: skip
    y = np.array(list(targets.values()))
    rng = np.random.default_rng(options.seed)
    dealt = orders(y.shape[1], max(CONTROLS, SPANS), rng, data.dialogues)
    frame, whole = _holds(tests, spaces, readings, y, dealt, list(targets), model, packed, said, options, data, progress)
    tests = ConceptTests(tests.frame.merge(frame, on=["layer", "concept"]), tests.layers, tests.warnings + _weak(frame))
    about = {
        "corpus": data.name, "utterances": len(data), "dialogues": len(set(data.dialogues)), "layers": list(names),
        "step": step,
        "classes": {c: len(r) for c, r in rows_of.items()}, "method": options.method, "draws": options.draws,
        "counterparts": options.counterparts, "seed": options.seed, "model": model.meta["corpus"],
        "accuracy": float((said == data.labels)[data.labels >= 0].mean()) if (data.labels >= 0).any() else None,
        "modalities": list(model.modalities),
    }  # fmt: skip
    return ConceptAudit(
        tests, support_table(targets, labels, data), pair_table(targets), _agreement(spaces, tests, list(targets)),
        _cosines(tests, list(targets)), whole,
        _examples(targets, data, spaces, tests, said, model.labels), about, why,
    )  # fmt: skip


def pooled_rows(data: DialogueSet, size: int, rng: np.random.Generator) -> np.ndarray:
    """Rows of random whole dialogues until there are about ``size`` utterances, in order."""
    if len(data) <= size:
        return np.arange(len(data))
    names = data.dialogues
    count = pd.Series(names).value_counts()
    kept, total = set(), 0
    for d in rng.permutation(np.array(sorted(count.index))):
        if total >= size:
            break
        kept.add(d)
        total += int(count[d])
    return np.flatnonzero([d in kept for d in names])


def _enough(targets: dict[str, np.ndarray], groups: np.ndarray) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    held, why = {}, {}
    for name, y in targets.items():
        yes, no = int(np.nansum(y > 0.5)), int(np.nansum(y <= 0.5))
        where = len(set(groups[np.nan_to_num(y) > 0.5]))
        if min(yes, no) < FEWEST:
            why[name] = f"{yes} examples and {no} counterexamples in the pool; {FEWEST} of each are needed"
        elif where < 3:
            why[name] = f"its {yes} examples lie in {where} dialogue{'s' if where > 1 else ''}; at least 3 are needed"
        else:
            held[name] = y
    return held, why


def _holds(
    tests: ConceptTests, spaces: dict[str, Space], readings: dict[str, LayerReading], y: np.ndarray, dealt: np.ndarray,
    names: list[str], model: BcLstmModel, packed: object, said: np.ndarray, options: TestOptions, data: DialogueSet,
    progress: Told | None,
) -> tuple[pd.DataFrame, pd.DataFrame]:  # fmt: skip
    """Accuracy of every direction, and completeness of every layer."""
    rows, whole = [], []
    for i, (layer, space) in enumerate(spaces.items()):
        a = held_out_accuracy(space, y, dealt[:CONTROLS], method=options.method, groups=data.dialogues)
        for j, name in enumerate(names):
            rows.append(
                {"layer": layer, "concept": name, "accuracy": a.held_out[j], "control": a.control[j], "accuracy p": a.p[j]}
            )
        pseudo = np.array([directions(space, y[:, order], "pattern") for order in dealt[:SPANS]])

        def run(states: np.ndarray, layer: str = layer) -> np.ndarray:
            return rerun(model.net, packed, layer, states)

        c = completeness(space, readings[layer].activations, tests.layers[layer].directions, pseudo, run, said)
        whole.append(
            {
                "layer": layer, "completeness": c.share, "pseudo-concepts": c.control, "p": c.p, "directions": c.rank,
                "width": readings[layer].activations.shape[1],
            }
        )  # fmt: skip
        if progress:
            progress("accuracy and completeness", i + 1, len(spaces))
    return pd.DataFrame(rows), pd.DataFrame(whole)


def _weak(frame: pd.DataFrame) -> list[str]:
    """Directions that do not tell the concept on unseen dialogues."""
    out = []
    for name, mine in frame.groupby("concept", sort=False):
        weak = mine[mine["accuracy p"] > 0.05]
        if len(weak):
            which = "any layer" if len(weak) == len(mine) else ", ".join(weak.layer)
            out.append(
                f"concept {name}: its direction tells unseen utterances no better than chance at {which}; read no score there"
            )
    return out


def association(a: np.ndarray, b: np.ndarray) -> float:
    """Cramér's V of two categorical variables with Bergsma's (2013) correction for chance; rows with NaN take no part."""
    held = np.isfinite(a) & np.isfinite(b)
    table = pd.crosstab(a[held], b[held]).to_numpy(dtype=float)
    n, (r, c) = table.sum(), table.shape
    if n < 2 or min(r, c) < 2:
        return 0.0
    expected = table.sum(1, keepdims=True) * table.sum(0, keepdims=True) / n
    phi = max(0.0, ((table - expected) ** 2 / expected).sum() / n - (r - 1) * (c - 1) / (n - 1))
    r_, c_ = r - (r - 1) ** 2 / (n - 1), c - (c - 1) ** 2 / (n - 1)
    return float(np.sqrt(phi / max(min(r_, c_) - 1, 1e-12)))


def support_table(targets: dict[str, np.ndarray], labels: np.ndarray, data: DialogueSet) -> pd.DataFrame:
    """One row a concept: how many examples, in how many dialogues, how bound to the label, the label it goes with most."""
    rows = []
    for name, y in targets.items():
        with_it = np.nan_to_num(y) > 0.5
        known = np.isfinite(y)
        lift = {
            c: with_it[labels == i].sum() / max(known[labels == i].sum(), 1) - with_it.sum() / max(known.sum(), 1)
            for i, c in enumerate(data.classes)
            if (labels == i).any()
        }
        most = max(lift, key=lambda c: lift[c]) if lift else ""
        v = association(y, labels.astype(float))
        rows.append(
            {
                "concept": name, "examples": int(with_it.sum()), "of": int(known.sum()),
                "dialogues": len(set(data.dialogues[with_it])), "bound to the label (V)": v, "most with": most,
                "confounded with the label": v >= CONFOUNDED,
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def pair_table(targets: dict[str, np.ndarray]) -> pd.DataFrame:
    """Pairs of concepts associated at ``CONFOUNDED`` or more, strongest first."""
    names = list(targets)
    rows = []
    for i, a in enumerate(names):
        for b in names[i + 1 :]:
            v = association(targets[a], targets[b])
            if v >= CONFOUNDED:
                rows.append({"concept": a, "with": b, "association (V)": v})
    frame = pd.DataFrame(rows, columns=["concept", "with", "association (V)"])
    return frame.sort_values("association (V)", ascending=False, ignore_index=True)


def _agreement(spaces: dict[str, Space], tests: ConceptTests, names: list[str]) -> pd.DataFrame:
    """Correlation over utterances of what a concept's directions say at two layers: layers have no common axes."""
    said = {m: s.points @ tests.layers[m].directions.T for m, s in spaces.items()}
    rows = []
    layers = list(spaces)
    for i, a in enumerate(layers):
        for b in layers[i + 1 :]:
            for j, name in enumerate(names):
                r = float(np.corrcoef(said[a][:, j], said[b][:, j])[0, 1])
                rows.append({"concept": name, "layer": a, "other layer": b, "correlation": r})
    return pd.DataFrame(rows, columns=["concept", "layer", "other layer", "correlation"])


def _cosines(tests: ConceptTests, names: list[str]) -> pd.DataFrame:
    """Cosine of every two concepts' directions at each layer."""
    rows = [
        {"layer": layer, "concept": a, "other": b, "cosine": float(t.cosines[i, j])}
        for layer, t in tests.layers.items()
        for i, a in enumerate(names)
        for j, b in enumerate(names)
        if i < j
    ]
    return pd.DataFrame(rows, columns=["layer", "concept", "other", "cosine"])


def _examples(
    targets: dict[str, np.ndarray], data: DialogueSet, spaces: dict[str, Space], tests: ConceptTests, said: np.ndarray,
    labels: tuple[str, ...], most: int = 4,
) -> pd.DataFrame:  # fmt: skip
    """Per concept the examples that the last layer's direction finds most typical, and the counterexamples it takes for one."""
    layer = list(spaces)[-1]
    rows = []
    value = spaces[layer].points @ tests.layers[layer].directions.T
    for j, (name, y) in enumerate(targets.items()):
        for kind, mine in (("example", np.nan_to_num(y) > 0.5), ("taken for one", np.nan_to_num(y, nan=1.0) <= 0.5)):
            at = np.flatnonzero(mine)
            for i in at[np.argsort(-value[at, j], kind="stable")][:most]:
                row = data.rows.iloc[i]
                rows.append(
                    {
                        "concept": name, "kind": kind, "key": row.key, "speaker": row.speaker, "text": row.text,
                        "label": row.label, "read as": labels[said[i]],
                        "typical (SD)": value[i, j] / (value[:, j].std() + 1e-12),
                    }
                )  # fmt: skip
    return pd.DataFrame(rows)
