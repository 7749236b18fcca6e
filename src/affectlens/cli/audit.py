"""`affectlens audit`: what a model rests on, over whole corpora."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from affectlens.audits.features.audit import run as features
from affectlens.audits.features.settings import FeatureSettings
from affectlens.audits.latent.audit import run as latent
from affectlens.audits.latent.settings import LatentSettings
from affectlens.cli import audit_objects, audit_properties, common
from affectlens.cli.options import Corpora, Corpus, Seed, verb
from affectlens.core.settings import Settings

app = typer.Typer(add_completion=False)


def add(name: str, function: Callable[..., Any], settings: type[Settings]) -> None:
    """A command below ``audit``: corpora, folder and the fields of the settings; it calls and prints what was found."""

    def command(
        corpus: Corpora,
        settings: dict[str, Any],
        out: Annotated[Path, typer.Option(help="Folder for page, tables and figures.")] = Path(f"audit-{name}"),
    ) -> None:
        with common.bars() as progress:
            result = function(None, corpus, out=out, progress=progress, **settings)
        for row in result.left_out.head(5).itertuples():
            common.note(f"left out: {row.key}: {row.why}")
        common.say(*result.findings(), out / "audit.html")

    command.__doc__ = (function.__doc__ or "").partition("\n")[0]
    app.command(name)(verb(settings)(command))


app.command("properties")(audit_properties.command)
app.command("objects")(audit_objects.command)
add("latent", latent, LatentSettings)
add("features", features, FeatureSettings)


@app.command(name="concepts")
@verb()
def concepts_(
    model: Annotated[Path | None, typer.Option(help="Weights of `affectlens train bclstm`.")] = None,
    corpus: Corpus = "",
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
    seed: Seed = 0,
) -> None:
    """Which human concepts move a contextual model's answer, at which layers, with tests that hold their level."""
    import torch

    from affectlens.assets.store import cache_dir
    from affectlens.audits.concepts.audit import audit_concepts
    from affectlens.audits.concepts.library import base as library
    from affectlens.audits.concepts.page import write_concept_report
    from affectlens.audits.concepts.prepare import prepared
    from affectlens.audits.concepts.tcav import TestOptions, relative
    from affectlens.core.errors import UsageError
    from affectlens.corpora.base import name_and_path
    from affectlens.corpora.dialogues.base import open_dialogues
    from affectlens.features.utterances import measured
    from affectlens.models.shipped.bclstm import BcLstmModel

    torch.set_num_threads(1)  # small recurrent networks are slower on more
    names = [n.strip() for part in concept or [] for n in part.split(",") if n.strip()]
    wanted = library.find(names) if names or query or examples else list(library.concepts().values())
    for text in query or []:
        name, sign, rest = text.partition("=")
        if not sign or not rest.strip():
            raise UsageError(f'{text!r} is not NAME=QUERY, for example long="text.str.len() > 80"')
        wanted.append(library.from_query(name.strip(), rest.strip()))
    wanted += [library.from_folder(p) for p in examples or []]
    if list_ and not corpus:
        for c in wanted:
            common.plain.print(f"{c.group:9} {c.name}: {c.meaning}")
        return
    if not corpus:
        raise UsageError("give --corpus NAME=PATH, and --model WEIGHTS unless you only --list")
    source = open_dialogues(*name_and_path(corpus))
    with common.bars() as told:
        data = source.dialogues(split)
        rows = prepared(source, data, wanted, norms=norms, units=units, progress=told)
        held, why = library.supported(rows, wanted)
        if list_:
            for c in wanted:
                said = why.get(c.name) or f"{int((held[c.name] > 0.5).sum())} examples of {len(rows)} utterances"
                common.plain.print(f"{c.group:9} {c.name}: {said}")
            return
        if model is None:
            raise UsageError("give --model WEIGHTS, as `affectlens train bclstm` writes them")
        if not model.is_file():
            raise UsageError(f"--model {model}: no such file")
        net = BcLstmModel(model)
        missing = tuple(m for m in net.modalities if m not in data.features)
        data = measured(data, (*data.features, *missing), told) if missing else data
        for pair in against or []:
            a, _, b = (v.strip() for v in pair.partition(":"))
            for one in (a, b):
                if one not in held:
                    raise UsageError(f"--against {pair!r}: {why.get(one) or f'{one!r} is not among the concepts asked for'}")
            held[f"{a} against {b}"] = relative(held[a], held[b])
        chosen = tuple(v.strip() for v in layers.split(",") if v.strip()) or None
        found = audit_concepts(
            net, data, held, layers=chosen, step=step, pool=pool, unsupported=why, cache=cache_dir() / "layers",
            options=TestOptions(method=method, draws=draws, counterparts=counterparts, seed=seed), progress=told,
        )  # fmt: skip
    page = write_concept_report(found, out, {c.name: c.meaning for c in wanted})
    from affectlens.audits.concepts.page import findings

    for line in findings(found):
        common.plain.print(line)
    for warning in found.tests.warnings[:6]:
        common.note(f"note: {warning}")
    common.plain.print(str(page))
