"""`affectlens train`: the recipes behind the shipped weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from affectlens.cli import common
from affectlens.cli.options import Corpora, Corpus, Seed, verb
from affectlens.corpora.base import name_and_path

app = typer.Typer(add_completion=False)
Out = Annotated[Path, typer.Option(help="Folder for checkpoint, log, weights, card and scores.")]
Epochs = Annotated[int | None, typer.Option(help="Instead of the recipe's number.")]
Threads = Annotated[int, typer.Option(help="Threads of torch.")]


@app.command()
@verb()
def face(
    corpus: Corpus,
    out: Out = Path("runs/face"),
    epochs: Epochs = None,
    start: Annotated[Path | None, typer.Option(help="Weights of an earlier run to go on from, which also teach.")] = None,
    seed: Seed = 0,
    threads: Threads = 2,
) -> None:
    """The two-stream face network on FER2013."""
    from affectlens.training.face_words import FaceRecipe, train_face_model

    name, path = name_and_path(corpus)

    recipe = replace(FaceRecipe(), seed=seed, **({"epochs": epochs} if epochs else {}))  # type: ignore[arg-type]
    _run(threads, lambda told: train_face_model(path, out, recipe, progress=told, corpus_name=name, start=start), out, "face")


@app.command()
@verb()
def words(corpus: Corpus, out: Out = Path("runs/words"), epochs: Epochs = None, seed: Seed = 0, threads: Threads = 1) -> None:
    """Adapters of the words network on GoEmotions."""
    from affectlens.training.face_words import WordsRecipe, train_words_model

    name, path = name_and_path(corpus)

    common.fetch_assets(["minilm"])
    recipe = replace(WordsRecipe(), seed=seed, **({"epochs": epochs} if epochs else {}))  # type: ignore[arg-type]
    _run(threads, lambda told: train_words_model(path, out, recipe, progress=told, corpus_name=name), out, "words")


@app.command()
@verb()
def speech(
    corpus: Corpora,
    out: Out = Path("runs/speech"),
    kind: Annotated[str, typer.Option(help="undercomplete, denoising, variational or semi-supervised.")] = "semi-supervised",
    epochs: Epochs = None,
    seeds: Annotated[int, typer.Option(help="Seeds of every protocol.")] = 5,
    seed: Seed = 0,
    threads: Threads = 1,
) -> None:
    """A small autoencoder of acoustic features: within corpora, across them, and the weights that ship."""
    import torch

    from affectlens.features.speech import parse_corpora
    from affectlens.learning.speech import SpeechRecipe
    from affectlens.training.speech import train_speech_model

    torch.set_num_threads(threads)
    recipe = replace(SpeechRecipe(), seed=seed, **({"epochs": epochs} if epochs else {}))  # type: ignore[arg-type]
    with common.bars() as told:
        run = train_speech_model(parse_corpora(corpus), out, recipe, kind=kind, seeds=seeds, progress=told)
    mean = run.scores[(run.scores.target == "mean") & (run.scores.score == "UA")]
    for r in mean.itertuples():
        common.plain.print(f"{r.protocol}, {r.setting}: UA {r.value:.3f} ({r.low:.3f} to {r.high:.3f})")
    common.plain.print(str(run.weights))


@app.command()
@verb()
def gait(
    corpus: Corpus, out: Out = Path("runs/gait"), epochs: Epochs = None,
    seeds: Annotated[int, typer.Option(help="Seeds of every model.")] = 5, seed: Seed = 0, threads: Threads = 1,
) -> None:  # fmt: skip
    """The gait network on styled locomotion, one type of motion left out at a time."""
    import torch

    from affectlens.learning.gait import GaitRecipe
    from affectlens.training.gait import train_gait_model

    torch.set_num_threads(threads)
    recipe = replace(GaitRecipe(), seed=seed, **({"epochs": epochs} if epochs else {}))  # type: ignore[arg-type]
    _motion(train_gait_model, corpus, out, recipe, seeds)


@app.command()
@verb()
def posture(
    corpus: Corpus, out: Out = Path("runs/posture"), epochs: Epochs = None,
    seeds: Annotated[int, typer.Option(help="Seeds of the protocol.")] = 5, seed: Seed = 0, threads: Threads = 1,
) -> None:  # fmt: skip
    """The posture network on single skeletons, one type of motion left out at a time."""
    import torch

    from affectlens.learning.posture import PostureRecipe
    from affectlens.training.posture import train_posture_model

    torch.set_num_threads(threads)
    recipe = replace(PostureRecipe(), seed=seed, **({"epochs": epochs} if epochs else {}))  # type: ignore[arg-type]
    _motion(train_posture_model, corpus, out, recipe, seeds)


@app.command()
@verb()
def fusion(
    corpus: Corpora,
    out: Out = Path("runs/fusion"),
    draws: Annotated[int, typer.Option(help="Bootstrap draws of the ablation.")] = 200,
    epochs: Epochs = None, seed: Seed = 0, threads: Threads = 1,
) -> None:  # fmt: skip
    """Early fusion over deep features: every subset on held-out people under four ways of fusing, then the weights."""
    import torch

    from affectlens.features.speech import parse_corpora
    from affectlens.learning.fusion import FusionRecipe
    from affectlens.training.fusion import train_fusion_model

    torch.set_num_threads(threads)
    common.fetch_assets(["minilm", "yunet", "face-landmarker", "pose-landmarker", "efficientdet-lite0"])
    recipe = replace(FusionRecipe(), seed=seed, **({"epochs": epochs} if epochs else {}))  # type: ignore[arg-type]
    with common.bars() as told:
        run = train_fusion_model(parse_corpora(corpus), out, recipe, draws=draws, progress=told)
    common.ablation(run.ablation, run.joint)
    common.plain.print(str(run.weights))


@app.command()
@verb()
def background(
    corpus: Corpus, out: Out = Path("runs/background"), epochs: Epochs = None, seed: Seed = 0, threads: Threads = 1,
) -> None:  # fmt: skip
    """The background network: what the picture without its people says, over features of a detector's backbone."""
    import torch

    from affectlens.training.background import BackgroundRecipe, train_background_model

    torch.set_num_threads(threads)
    common.fetch_assets(["efficientdet-lite0"])
    recipe = replace(BackgroundRecipe(), seed=seed, **({"epochs": epochs} if epochs else {}))  # type: ignore[arg-type]
    with common.bars() as told:
        run = train_background_model(*name_and_path(corpus), out, recipe, progress=told)
    for name, e in run.scores.items():
        common.plain.print(f"{name}: {e.value:.4f} ({e.low:.4f} to {e.high:.4f})")
    common.plain.print(str(run.weights))


@app.command()
@verb()
def bclstm(
    corpus: Corpus,
    out: Out = Path("runs/bclstm"),
    modalities: Annotated[str, typer.Option(help="Comma-separated; all that the corpus comes with when absent.")] = "",
    speakers: Annotated[bool, typer.Option("--speakers", help="Also follow each speaker's own utterances.")] = False,
    target: Annotated[
        bool, typer.Option(help="Learn from the test part's features, not its labels, how far each modality can be trusted.")
    ] = True,
    balanced: Annotated[bool, typer.Option("--balanced", help="Weigh rare classes up.")] = False,
    epochs: Epochs = None,
    seeds: Annotated[int, typer.Option(help="Networks trained.")] = 5,
    seed: Seed = 0,
    threads: Threads = 1,
) -> None:
    """A contextual LSTM over the utterances of dialogues, from published features or our own."""
    import torch

    from affectlens.learning.bclstm import BcLstmRecipe
    from affectlens.training.bclstm import train_bclstm

    torch.set_num_threads(threads)
    wanted = tuple(m.strip() for m in modalities.split(",") if m.strip()) or None
    recipe = BcLstmRecipe(seed=seed, balanced=balanced, **({"epochs": epochs} if epochs else {}))
    with common.bars() as told:
        run = train_bclstm(
            *name_and_path(corpus), out, recipe, modalities=wanted, seeds=seeds, speakers=speakers, target=target, progress=told
        )
    for m, c in run.carried.items():
        common.plain.print(f"{m}: probe {c.held_out:.3f} on held-out dialogues, {c.expected:.3f} expected on the test part")
    last = run.scores[run.scores.seed.isin(["mean", "deviation"])].set_index("seed")
    for name in ("accuracy", "UAR", "macro F1", "weighted F1"):
        common.plain.print(f"{name}: {last.loc['mean', name]:.4f} (deviation over seeds {last.loc['deviation', name]:.4f})")
    common.plain.print(str(run.weights))


def _motion(train: Any, corpus: str, out: Path, recipe: Any, seeds: int) -> None:
    name, path = name_and_path(corpus)
    with common.bars() as told:
        run = train(path, out, recipe, corpus=name, seeds=seeds, progress=told)
    for r in run.scores.itertuples():
        common.plain.print(f"{r.kind}: UAR {r.UAR:.3f} ({r.low:.3f} to {r.high:.3f})")
    common.plain.print(str(run.weights))


def _run(threads: int, train: Any, out: Path, name: str) -> None:
    import torch

    torch.set_num_threads(threads)
    result = train(lambda row: common.note("  ".join(f"{k} {v}" for k, v in row.items())))
    for score, e in result.scores.items():
        common.plain.print(f"{score}: {e.value:.4f} ({e.low:.4f} to {e.high:.4f})")
    common.plain.print(str(out / f"{name}.safetensors"))
