"""`affectlens audit`: what a model rests on, over whole corpora."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from affectlens.cli import common

app = typer.Typer(help="What a model rests on, over whole corpora, with tests.", no_args_is_help=True)
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
    import numpy as np
    import torch

    from affectlens.explain.latent import audit_latent
    from affectlens.report.latent import write_latent_report
    from affectlens.training.speech import SpeechRecipe

    torch.set_num_threads(1)  # small networks are slower on more
    with common.named_bars() as told:
        table = _table(corpus, told)
        found = audit_latent(
            table, kind, SpeechRecipe(seed=seed), seeds=seeds, draws=draws, rng=np.random.default_rng(seed), progress=told
        )
    page = write_latent_report(found, out)
    for c in found.found:
        best = found.agreement[found.agreement.clusters == c.method].sort_values("ARI", ascending=False).iloc[0]
        common.plain.print(
            f"{c.method}: {c.count} clusters (silhouette {c.silhouette:.3f}); most like {best.factor} "
            f"(ARI {best.ARI:.3f}, p adjusted {best['p adjusted']:.3g})"
        )
    common.plain.print(str(page))


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
    import numpy as np
    import torch

    from affectlens.emotions import IEMOCAP4
    from affectlens.explain.features import audit_features
    from affectlens.models.speech_norm import normalise
    from affectlens.perception.voice.catalogue import group_of
    from affectlens.perception.voice.egemaps import NAMES
    from affectlens.report.features import write_feature_report

    rng = np.random.default_rng(seed)
    torch.set_num_threads(1)  # small networks are slower on more
    with common.named_bars() as told:
        table = _table(corpus, told)
        x = normalise(table.features, table.corpus, table.speaker)
        names, groups = list(NAMES), group_of()
        if plant:
            told_by = np.eye(4)[table.labels] @ np.array([-1.5, -0.5, 0.5, 1.5]) + rng.normal(0, 0.3, len(x))
            x = np.column_stack([x, told_by, rng.normal(size=len(x))])
            names, groups = [*names, "planted: label", "planted: noise"], [*groups, "planted", "planted"]
        found = audit_features(x, table.labels, table.corpus, table.speaker, names, groups, model=model, seed=seed, rng=rng,
                               classes=IEMOCAP4.labels, progress=told)  # fmt: skip
    page = write_feature_report(found, out)
    for r in found.groups.sort_values("permuted", ascending=False).to_dict("records"):
        common.plain.print(
            f"{r['group']}: log loss {r['permuted']:+.3f} bit when shuffled ({r['permuted, low']:.3f} to "
            f"{r['permuted, high']:.3f}), {r['left out']:+.3f} when left out"
        )
    for r in found.features.head(5).to_dict("records"):
        common.plain.print(f"{r['feature']}: {r['permuted']:+.4f} bit, p adjusted {r['permuted, p adjusted']:.3g}")
    common.plain.print(str(page))


def _table(corpus: list[str], told: Any) -> Any:
    from affectlens.training.speech_data import parse_corpora, speech_table

    table = speech_table(parse_corpora(corpus), progress=told)
    for key, why in list(table.missed.items())[:5]:
        common.console.print(f"left out: {key}: {why}", highlight=False)
    return table
