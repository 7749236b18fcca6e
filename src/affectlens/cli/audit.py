"""`affectlens audit`: what a model rests on, over whole corpora."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from affectlens.cli import audit_objects, audit_properties, common

app = typer.Typer(help="What a model rests on, over whole corpora, with tests.", no_args_is_help=True)
app.command("properties")(audit_properties.command)
app.command("objects")(audit_objects.command)
Corpora = Annotated[list[str], typer.Option("--corpus", help="NAME=PATH of a speech corpus; repeat it.")]


@app.command()
def latent(
    corpus: Corpora,
    out: Annotated[Path, typer.Option(help="Folder for page, tables and figures.")] = Path("audit-latent"),
    kind: Annotated[str, typer.Option(help="undercomplete, denoising, variational or semi-supervised.")] = "semi-supervised",
    seeds: Annotated[int, typer.Option(help="Networks trained, to see what is stable.")] = 5,
    draws: Annotated[int, typer.Option(help="Permutations of each test.")] = 999,
    seed: common.Seed = 0,
) -> None:
    """Clusters of a speech autoencoder's latent, how much of it is the corpus, what its directions mean."""
    from affectlens.audits.latent.audit import run
    from affectlens.audits.latent.settings import LatentSettings

    settings = LatentSettings(kind, seeds, draws, seed=seed)
    with common.named_bars() as progress:
        result = run(None, corpus, out=out, progress=progress, settings=settings)
    _left_out(result.left_out)
    for line in result.findings():
        common.plain.print(line)
    common.plain.print(str(out / "audit.html"))


@app.command()
def features(
    corpus: Corpora,
    out: Annotated[Path, typer.Option(help="Folder for page, tables and figures.")] = Path("audit-features"),
    model: Annotated[str, typer.Option(help="An autoencoder's kind, or logistic, svm, boosting.")] = "semi-supervised",
    plant: Annotated[
        bool, typer.Option("--plant", help="Add a feature that tells the label and one that is noise, as a check of the audit.")
    ] = False,
    seed: common.Seed = 0,
) -> None:
    """What each acoustic feature and group does for a speech model, and whether corpora agree on it."""
    from affectlens.audits.features.audit import run
    from affectlens.audits.features.settings import FeatureSettings

    settings = FeatureSettings(model, plant, seed)
    with common.named_bars() as progress:
        result = run(None, corpus, out=out, progress=progress, settings=settings)
    _left_out(result.left_out)
    for line in result.findings():
        common.plain.print(line)
    common.plain.print(str(out / "audit.html"))


@app.command(name="concepts")
def concepts_(
    model: Annotated[Path | None, typer.Option(help="Weights of `affectlens train bclstm`.")] = None,
    corpus: Annotated[str, typer.Option(help="NAME=PATH of a corpus of dialogues.")] = "",
    split: Annotated[str, typer.Option(help="The part to look at; best one that the model did not learn from.")] = "test",
    concept: Annotated[
        list[str] | None,
        typer.Option("--concepts", help="Names or groups, comma-separated; all that the corpus supports when absent."),
    ] = None,
    query: Annotated[
        list[str] | None, typer.Option(help='A concept of your own: NAME="query over columns"; repeat it.')
    ] = None,
    examples: Annotated[
        list[Path] | None,
        typer.Option(help="A folder whose files are named by utterances' keys, or a file of keys; repeat it."),
    ] = None,
    against: Annotated[
        list[str] | None, typer.Option(help='Relative: "CONCEPT:OTHER", the first against the second; repeat it.')
    ] = None,
    norms: Annotated[Path | None, typer.Option(help="Affect norms of words, as Warriner et al. 2013 publish them.")] = None,
    units: Annotated[Path | None, typer.Option(help="A csv of action units per utterance: key, AU12, …")] = None,
    layers: Annotated[str, typer.Option(help="Comma-separated; all that hold a state an utterance when absent.")] = "",
    method: Annotated[str, typer.Option(help="pattern, ridge (lda), svm or sgd.")] = "pattern",
    step: Annotated[
        str, typer.Option(help="own: the state at the utterance; all: at every utterance of its dialogue.")
    ] = "own",
    draws: Annotated[int, typer.Option(help="Pseudo-concepts.")] = 1999,
    counterparts: Annotated[int, typer.Option(help="Random counterpart sets; 0 for all other utterances at once.")] = 0,
    pool: Annotated[int, typer.Option(help="Utterances looked at, whole dialogues.")] = 1500,
    out: Annotated[Path, typer.Option(help="Folder for page, tables and figures.")] = Path("audit-concepts"),
    list_: Annotated[
        bool, typer.Option("--list", help="List the concepts, with what the corpus supports when one is given.")
    ] = False,
    seed: common.Seed = 0,
) -> None:
    """Which human concepts move a contextual model's answer, at which layers, with tests that hold their level."""
    from affectlens.audits.concepts.audit import available, run
    from affectlens.audits.concepts.settings import ConceptSettings
    from affectlens.core.errors import UsageError

    settings = ConceptSettings(
        split=split, concepts=_words(",".join(concept or [])), query=tuple(query or []), examples=tuple(examples or []),
        against=tuple(against or []), norms=norms, units=units, layers=_words(layers), method=method, step=step, draws=draws,
        counterparts=counterparts, pool=pool, seed=seed,
    )  # fmt: skip
    if not corpus and not list_:
        raise UsageError("give --corpus NAME=PATH, and --model WEIGHTS unless you only --list")
    with common.named_bars() as progress:
        if list_:
            _list_concepts(available(corpus or None, settings=settings, progress=progress))
            return
        result = run(model, corpus, out=out, settings=settings, progress=progress)
    for line in result.findings():
        common.plain.print(line)
    for warning in result.warnings[:6]:
        common.console.print(f"note: {warning}", highlight=False)
    common.plain.print(str(out / "audit.html"))


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _list_concepts(concepts: Any) -> None:
    for row in concepts.to_dict("records"):
        text = row["meaning"]
        if "why" in row:
            text = row["why"] or f"{row['examples']} examples of {row['utterances']} utterances"
        common.plain.print(f"{row['group']:9} {row['concept']}: {text}")


def _left_out(clips: Any) -> None:
    for row in clips.head(5).itertuples():
        common.console.print(f"left out: {row.key}: {row.why}", highlight=False)
