"""`affectlens train fusion`: every subset under every way of fusing on held-out people, then the network that ships."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from affectlens.assets.store import sha256
from affectlens.core.errors import UsageError
from affectlens.corpora.base import open_corpus
from affectlens.evaluation.ablation import Ablation, ablate
from affectlens.features.banks import CLASSES, Fold, Pair, body_banks, face_banks, voice_banks, words_banks
from affectlens.learning.export import calibrate, export
from affectlens.learning.fusion import Bank, FusionRecipe, pair, train_fusion
from affectlens.models.shipped.fusion import EarlyFusionModel
from affectlens.training.fusion_joint import joint_banks

ORDER = ("face", "voice", "words", "gait", "posture")
FOLDS = 3
Told = Callable[[str, int, int], None]


@dataclass(frozen=True)
class FusionRun:
    """The ablation, whether its cases are of the same people, and the weights (None where only an ablation was asked for)."""

    ablation: Ablation
    joint: bool
    weights: Path | None


def banks_for(
    corpora: dict[str, Path], told: Told | None = None, cache: Path | None = None
) -> Callable[[Fold], dict[str, Pair]]:
    """What gives the banks of a fold: of unimodal corpora to be paired, or of one corpus of pictures with everything in them.

    With ``cache`` a module's banks of a fold are kept there, so that an interrupted run goes on.
    """
    kinds = {name: open_corpus(name, path).info.modality for name, path in corpora.items()}
    if "scene" in kinds.values():
        if len(kinds) > 1:
            raise UsageError(f"{list(kinds)}: a corpus of whole pictures is used alone; the others would have to be paired")
        name = next(iter(kinds))
        return lambda fold: joint_banks(name, corpora[name], fold, told)
    by = {kind: {n: p for n, p in corpora.items() if kinds[n] == kind} for kind in ("face", "voice", "words", "gait")}
    strange = [n for n, k in kinds.items() if k not in by]
    if strange or any(len(by[k]) > 1 for k in ("face", "words", "gait")):
        raise UsageError("one corpus of faces, texts and motion each, and one or more of speech, were expected")
    if sum(bool(v) for v in by.values()) < 2 and not by["gait"]:
        raise UsageError("nothing to fuse: name corpora of at least two modules")

    def make(fold: Fold) -> dict[str, Pair]:
        out: dict[str, Pair] = {}
        for kind, found in by.items():
            if not found:
                continue
            name, path = next(iter(found.items()))
            mark = repr((kind, sorted((n, str(p)) for n, p in found.items()), fold))

            def made(kind: str = kind, name: str = name, path: Path = path, found: dict[str, Path] = found) -> dict[str, Pair]:
                if kind == "face":
                    return {"face": face_banks(path, fold, name, told)}
                if kind == "words":
                    return {"words": words_banks(path, fold, name, told)}
                return {"voice": voice_banks(found, fold, told)} if kind == "voice" else body_banks(path, fold, name, told)

            out |= _kept(cache, mark, made)
        return {name: out[name] for name in ORDER if name in out}

    return make


def _kept(cache: Path | None, mark: str, make: Callable[[], dict[str, Pair]]) -> dict[str, Pair]:
    if cache is None:
        return make()
    file = cache / f"banks-{hashlib.sha256(mark.encode()).hexdigest()[:16]}.pkl"
    if file.exists():  # written by this very function into the run's own folder
        held: dict[str, Pair] = pickle.loads(file.read_bytes())
        return held
    made = make()
    partial = file.with_suffix(".partial")
    partial.write_bytes(pickle.dumps(made))
    partial.replace(file)
    return made


def ablation_of(
    corpora: dict[str, Path], recipe: FusionRecipe, *, draws: int = 200, told: Told | None = None, cache: Path | None = None
) -> tuple[Ablation, bool]:
    """Every subset of the modules of the corpora on held-out people; True where cases are of the same people."""
    make = banks_for(corpora, told, cache)
    joint = any(open_corpus(n, p).info.modality == "scene" for n, p in corpora.items())
    return ablate(make, recipe, folds=FOLDS, draws=draws, joint=joint, told=told), joint


def train_fusion_model(
    corpora: dict[str, Path], out: Path, recipe: FusionRecipe | None = None, *, draws: int = 200, progress: Told | None = None
) -> FusionRun:
    """Write ``fusion.safetensors``, ``fusion.md``, ``ablation.csv``, ``against.csv`` and ``ablation.png`` below ``out``."""
    recipe = recipe or FusionRecipe()
    out.mkdir(parents=True, exist_ok=True)
    made, joint = ablation_of(corpora, recipe, draws=draws, told=progress, cache=out)
    save_ablation(made, out)
    banks = {n: p[0] for n, p in banks_for(corpora, progress, out)(Fold(None, FOLDS, recipe.seed)).items()}
    net = train_fusion(banks, len(CLASSES), "early", recipe, joint)
    infos = [open_corpus(n, p).info for n, p in corpora.items()]
    meta = {
        "labels": list(CLASSES), "config": net.config.to_dict(), "recipe": asdict(recipe), "joint": joint,
        "corpus": "; ".join(i.title for i in infos), "licence": "; ".join(f"{i.title}: {i.licence}" for i in infos),
        "home": "; ".join(i.home for i in infos),
    }  # fmt: skip
    weights = out / "fusion.safetensors"
    export(weights, {k: v.detach() for k, v in net.state_dict().items()}, meta, _calibration(banks, recipe, joint))
    _card(out / "fusion.md", weights, made, joint, infos)
    return FusionRun(made, joint, weights)


def _calibration(banks: dict[str, Bank], recipe: FusionRecipe, joint: bool) -> Any:
    """Temperature and conformal set of a network that learned from half of the groups, on cases of the other half with modules
    missing at random, as it was trained."""
    rng = np.random.default_rng(recipe.seed)
    learn, test = {}, {}
    sides: dict[object, int] = {}
    for name, bank in banks.items():
        side = np.array([sides.setdefault(g, int(rng.integers(2))) for g in bank.groups])
        learn[name], test[name] = bank.take(np.flatnonzero(side == 0)), bank.take(np.flatnonzero(side == 1))
    net = train_fusion(learn, len(CLASSES), "early", recipe, joint)
    y, rows = pair(test, len(CLASSES), 4000, rng, joint=joint)
    present = rng.random((len(y), len(test))) < recipe.keep
    present[~present.any(1), 0] = True
    with torch.inference_mode():
        deep = {n: torch.from_numpy(b.deep.astype(np.float32))[rows[n]] for n, b in test.items()}
        said = {n: torch.from_numpy(b.answers)[rows[n]] for n, b in test.items()}
        logits = net(deep, said, torch.from_numpy(present)).numpy()
    order = rng.permutation(len(y))
    return calibrate(logits[order], np.eye(len(CLASSES))[y[order]])


def save_ablation(made: Ablation, out: Path) -> None:
    """Write the tables ``ablation.csv`` and ``against.csv``."""
    out.mkdir(parents=True, exist_ok=True)
    made.scores.to_csv(out / "ablation.csv", index=False)
    made.against.to_csv(out / "against.csv", index=False)


_NAMES = {
    "early": "early fusion (ships)",
    "gated": "gated fusion",
    "pool": "opinion pool (late)",
    "product": "product of answers (late)",
}


def table_of(made: Ablation, how: str = "early") -> pd.DataFrame:
    """The subsets under one way of fusing, the best of each size first."""
    mine = made.scores[made.scores.fusion == how]
    return mine.sort_values(["size", "UAR"], ascending=[True, False])


def _card(path: Path, weights: Path, made: Ablation, joint: bool, infos: list[Any]) -> None:
    model = EarlyFusionModel(weights)
    mean = made.scores.groupby("fusion")[["UAR", "ECE", "log loss"]].mean()
    whole = made.scores[made.scores["size"] == made.scores["size"].max()].set_index("fusion")
    single = made.against[(made.against.question == "all modules against one") & (made.against.fusion == "early")]
    pool = made.against[(made.against.against == "pool") & (made.against.fusion == "early")].set_index("question")
    kind = (
        "All modules are of the same people." if joint else "The corpora hold different people: a case is made of one item of "
        "each with the same label (class-matched pairing). Such items are independent given the class, which those of one "
        "person are not, so the scores of several modules together are more than a recording of one person can give. They "
        "compare ways of fusing; they do not predict how well a person is read. Gait and posture are of the same recordings."
    )  # fmt: skip
    lines = [
        "# Model card: affectlens fusion", "",
        "Early fusion of deep features of whichever modules are present, after EMERSK (arXiv 2306.08657), whose widths are not "
        "known to us. It begins as the product of the modules' calibrated answers and learns where that is wrong; an absent "
        "module enters no sum.", "",
        f"- Modules: {', '.join(model.modules)}; classes: {', '.join(model.labels)} (expressed emotion, not feeling)",
        f"- Parameters: {sum(p.numel() for p in model.net.parameters()):,}; weights `{weights.name}`, "
        f"{weights.stat().st_size / 1e6:.2f} MB, sha256 `{sha256(weights)}`",
        f"- Corpora and licences, which the weights inherit: {'; '.join(f'{i.title}: {i.licence}' for i in infos)}",
        "- Made by: `affectlens train fusion --corpus NAME=PATH …`, recipe below", "", "## Held-out people", "", kind, "",
        f"Three folds; people (types of motion, test pictures and texts) of a fold are seen by no network of it. Chance is "
        f"{1 / len(model.labels):.2f}. Intervals over people, recordings, pictures and texts.", "",
        "| way of fusing | UAR, mean over subsets | calibration error | log loss | UAR, all modules |", "|---|---|---|---|---|",
        *(
            f"| {_NAMES[how]} | {mean.UAR[how]:.3f} | {mean.ECE[how]:.3f} | {mean['log loss'][how]:.3f} | {whole.UAR[how]:.3f} "
            f"({whole.low[how]:.3f} to {whole.high[how]:.3f}) |" for how in mean.index
        ), "",
        *(f"- {q}: early fusion is {r.difference:+.3f} ({r.low:+.3f} to {r.high:+.3f}) UAR against the pool, one-sided "
          f"p = {r.p:.3f}" for q, r in pool.iterrows()),
        "", "### Every subset, early fusion", "", "| modules | UAR | calibration error |", "|---|---|---|",
        *(f"| {r.modules} | {r.UAR:.3f} ({r.low:.3f} to {r.high:.3f}) | {r.ECE:.3f} |" for r in table_of(made).itertuples()),
        "", "All modules together against each alone: "
        + "; ".join(
            f"{r.against} {r.difference:+.3f} ({r.low:+.3f} to {r.high:+.3f}), p = {r.p:.3f}" for r in single.itertuples()
        )
        + ".", "", "## Limits", "",
        "Trained on items of different people, so it has never met a person whose face and voice say the same thing by nature; "
        "joined answers can be too sure. It knows four classes: where a face or words speak of disgust, fear or surprise, "
        "these keep the share that the pool of opinions gives them. `--fusion pool` fuses late. For research and auditing, not "
        "for decisions about a person.",
        "", "## Recipe", "", *(f"- {k}: {v}" for k, v in model.meta["recipe"].items()), "",
    ]  # fmt: skip
    path.write_text("\n".join(lines), encoding="utf-8")
