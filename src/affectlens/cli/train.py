"""`affectlens train`: the recipes behind the shipped weights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from affectlens.cli import common

if TYPE_CHECKING:
    from affectlens.training.run import TrainingRun

app = typer.Typer(help="Train the models that ship; resumable, with a log, a card and a test evaluation.", no_args_is_help=True)
Data = Annotated[Path, typer.Option(help="Where the corpus lies.")]
Out = Annotated[Path, typer.Option(help="Folder for checkpoint, log, weights, card and scores.")]
Epochs = Annotated[int | None, typer.Option(help="Instead of the recipe's number.")]
Threads = Annotated[int, typer.Option(help="Threads of torch.")]


@app.command()
def face(
    data: Data,
    out: Out = Path("runs/face"),
    epochs: Epochs = None,
    start: Annotated[Path | None, typer.Option(help="Weights of an earlier run to go on from, which also teach.")] = None,
    seed: common.Seed = 0,
    threads: Threads = 2,
) -> None:
    """The two-stream face network on FER2013."""
    _print_scores(_run("face", {"fer2013": data}, out, threads, epochs, seed=seed, start=start))


@app.command()
def words(
    data: Data, out: Out = Path("runs/words"), epochs: Epochs = None, seed: common.Seed = 0, threads: Threads = 1
) -> None:
    """Adapters of the words network on GoEmotions."""
    common.fetch_assets(["minilm"])
    _print_scores(_run("words", {"goemotions": data}, out, threads, epochs, seed=seed))


@app.command()
def speech(
    corpus: Annotated[list[str], typer.Option(help="NAME=PATH of a speech corpus, see `affectlens corpus ls`; repeat it.")],
    out: Out = Path("runs/speech"),
    kind: Annotated[str, typer.Option(help="undercomplete, denoising, variational or semi-supervised.")] = "semi-supervised",
    epochs: Epochs = None,
    seeds: Annotated[int, typer.Option(help="Seeds of every protocol.")] = 5,
    seed: common.Seed = 0,
    threads: Threads = 1,
) -> None:
    """A small autoencoder of acoustic features: within corpora, across them, and the weights that ship."""
    run = _run("speech", corpus, out, threads, epochs, kind=kind, seeds=seeds, seed=seed)
    mean = run.scores[(run.scores.target == "mean") & (run.scores.score == "UA")]
    for r in mean.itertuples():
        common.plain.print(f"{r.protocol}, {r.setting}: UA {r.value:.3f} ({r.low:.3f} to {r.high:.3f})")
    common.plain.print(str(run.weights))


@app.command()
def gait(
    data: Data, out: Out = Path("runs/gait"), epochs: Epochs = None,
    seeds: Annotated[int, typer.Option(help="Seeds of every model.")] = 5, seed: common.Seed = 0, threads: Threads = 1,
) -> None:  # fmt: skip
    """The gait network on styled locomotion, one type of motion left out at a time."""
    _print_motion(_run("gait", {"bandai": data}, out, threads, epochs, seeds=seeds, seed=seed))


@app.command()
def posture(
    data: Data, out: Out = Path("runs/posture"), epochs: Epochs = None,
    seeds: Annotated[int, typer.Option(help="Seeds of the protocol.")] = 5, seed: common.Seed = 0, threads: Threads = 1,
) -> None:  # fmt: skip
    """The posture network on single skeletons, one type of motion left out at a time."""
    _print_motion(_run("posture", {"bandai": data}, out, threads, epochs, seeds=seeds, seed=seed))


@app.command()
def fusion(
    corpus: Annotated[
        list[str], typer.Option(help="NAME=PATH: corpora of faces, speech, texts and motion to pair, or one of whole pictures.")
    ],
    out: Out = Path("runs/fusion"),
    draws: Annotated[int, typer.Option(help="Bootstrap draws of the ablation.")] = 200,
    epochs: Epochs = None, seed: common.Seed = 0, threads: Threads = 1,
) -> None:  # fmt: skip
    """Early fusion over deep features: every subset on held-out people under four ways of fusing, then the weights."""
    common.fetch_assets(["minilm", "yunet", "face-landmarker", "pose-landmarker", "efficientdet-lite0"])
    run = _run("fusion", corpus, out, threads, epochs, draws=draws, seed=seed)
    common.ablation(run.scores, run.tables["against"])
    common.plain.print(str(run.weights))


@app.command()
def background(
    corpus: Annotated[str, typer.Option(help="A corpus of whole pictures, see `affectlens corpus ls`.")],
    data: Data, out: Out = Path("runs/background"), epochs: Epochs = None, seed: common.Seed = 0, threads: Threads = 1,
) -> None:  # fmt: skip
    """The background network: what the picture without its people says, over features of a detector's backbone."""
    common.fetch_assets(["efficientdet-lite0"])
    _print_scores(_run("background", {corpus: data}, out, threads, epochs, seed=seed))


@app.command()
def bclstm(
    corpus: Annotated[str, typer.Option(help="A corpus of dialogues, see `affectlens corpus ls`.")],
    data: Data,
    out: Out = Path("runs/bclstm"),
    modalities: Annotated[str, typer.Option(help="Comma-separated; all that the corpus comes with when absent.")] = "",
    speakers: Annotated[bool, typer.Option("--speakers", help="Also follow each speaker's own utterances.")] = False,
    target: Annotated[
        bool, typer.Option(help="Learn from the test part's features, not its labels, how far each modality can be trusted.")
    ] = True,
    balanced: Annotated[bool, typer.Option("--balanced", help="Weigh rare classes up.")] = False,
    epochs: Epochs = None,
    seeds: Annotated[int, typer.Option(help="Networks trained.")] = 5,
    seed: common.Seed = 0,
    threads: Threads = 1,
) -> None:
    """A contextual LSTM over the utterances of dialogues, from published features or our own."""
    wanted = tuple(m.strip() for m in modalities.split(",") if m.strip())
    run = _run(
        "bclstm", {corpus: data}, out, threads, epochs,
        modalities=wanted, speakers=speakers, target=target, balanced=balanced, seeds=seeds, seed=seed,
    )  # fmt: skip
    for c in run.tables["carry_over"].itertuples():
        common.plain.print(
            f"{c.modality}: probe {c.held_out:.3f} on held-out dialogues, {c.expected:.3f} expected on the test part"
        )
    last = run.scores[run.scores.seed.isin(["mean", "deviation"])].set_index("seed")
    for name in ("accuracy", "mean_recall", "macro_f1", "weighted_f1"):
        common.plain.print(f"{name}: {last.loc['mean', name]:.4f} (deviation over seeds {last.loc['deviation', name]:.4f})")
    common.plain.print(str(run.weights))


def _run(verb: str, corpora: Any, out: Path, threads: int, epochs: int | None, **changed: Any) -> TrainingRun:
    """Train with bars on the console."""
    import torch

    from affectlens import train

    torch.set_num_threads(threads)
    if epochs is not None:
        changed["epochs"] = epochs
    with common.named_bars() as progress:
        run: TrainingRun = getattr(train, verb)(corpora, out, progress=progress, **changed)
    return run


def _print_scores(run: TrainingRun) -> None:
    for r in run.scores.itertuples():
        common.plain.print(f"{r.score}: {r.value:.4f} ({r.low:.4f} to {r.high:.4f})")
    common.plain.print(str(run.weights))


def _print_motion(run: TrainingRun) -> None:
    for r in run.scores.itertuples():
        common.plain.print(f"{r.kind}: mean recall {r.mean_recall:.3f} ({r.low:.3f} to {r.high:.3f})")
    common.plain.print(str(run.weights))
