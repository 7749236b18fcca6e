"""What a model rests on, over whole corpora: one function an audit; each gives a result that saves, loads, draws and reports.

Examples
--------
>>> import affectlens.audit
>>> sorted(affectlens.audit.__all__)
['concepts', 'features', 'latent', 'objects', 'properties']
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from affectlens.core.progress import Progress

if TYPE_CHECKING:
    from affectlens.audits.objects.result import ObjectAudit
    from affectlens.audits.objects.settings import ObjectSettings
    from affectlens.audits.properties.result import PropertyAudit
    from affectlens.audits.properties.settings import PropertySettings
    from affectlens.audits.result import AuditResult

__all__ = ["concepts", "features", "latent", "objects", "properties"]


def objects(
    model: Any,
    pictures: Any,
    *,
    out: str | Path | None = None,
    progress: Progress | None = None,
    settings: ObjectSettings | None = None,
    **fields: Any,
) -> ObjectAudit:
    """Which things in pictures drive a model: class activation maps joined with objects, with tests, then changes.

    Parameters
    ----------
    model : str, Path or PictureModel
        A shipped name, a transformers folder, ``module:name``, ``MODEL.onnx``, ``MODEL.pt``, or an opened model.
    pictures : str, Path or Corpus
        A folder of pictures, ``"NAME=PATH"`` of a corpus, or an opened corpus.
    out : str or Path, optional
        Folder that the result, its page and the parts of the pass are written to; an interrupted run there goes on. Without it
        nothing is kept.
    progress : callable, optional
        Called with what is being done, how much of it is done, and how much there is.
    settings : ObjectSettings, optional
        All settings in one record.
    **fields
        Single settings, which go before those of ``settings``.

    Returns
    -------
    ObjectAudit
        Lifts with tests by emotion and object, groups, agreement of maps, examples, effects of changes.

    Raises
    ------
    UsageError
        A setting that is not allowed, or a folder that holds a run with other settings.

    Notes
    -----
    After EmoCAM (Doulfoukar et al. 2024, arXiv 2407.14314).
    """
    return _run("objects", model, pictures, out, progress, settings, fields)  # type: ignore[no-any-return]


def properties(
    model: Any,
    corpus: Any,
    *,
    out: str | Path | None = None,
    progress: Progress | None = None,
    settings: PropertySettings | None = None,
    **fields: Any,
) -> PropertyAudit:
    """Whether a classifier's output depends on properties of what it sees, given the label; groups, gaps, interventions.

    Parameters
    ----------
    model : str, Path, Classifier or None
        A shipped name, ``MODEL.onnx``, ``MODEL.pt``, a transformers folder, ``module:function``, an opened classifier, or None
        with ``predictions=FILE`` of answers that were made elsewhere.
    corpus : str or Corpus
        ``"NAME=PATH"``, or an opened corpus.
    out, progress, settings, **fields
        As of ``objects``.

    Returns
    -------
    PropertyAudit
        Tests by property and output, groups, gaps, matched pairs, interventions.

    Raises
    ------
    UsageError
        A setting that is not allowed, neither or both of model and predictions, or a folder that holds a run with other
        settings.

    Notes
    -----
    The workflow of Büchner et al. 2024 (arXiv 2404.07867) after Reimers et al. 2020.
    """
    return _run("properties", model, corpus, out, progress, settings, fields)  # type: ignore[no-any-return]


def concepts(
    model: Any,
    corpus: Any,
    *,
    out: str | Path | None = None,
    progress: Progress | None = None,
    settings: Any = None,
    **fields: Any,
) -> AuditResult:
    """Which human concepts move a contextual model's answer, and at which layers; parameters as of ``objects``."""
    return _run("concepts", model, corpus, out, progress, settings, fields)


def latent(
    model: Any,
    corpus: Any,
    *,
    out: str | Path | None = None,
    progress: Progress | None = None,
    settings: Any = None,
    **fields: Any,
) -> AuditResult:
    """What clusters and directions of a speech autoencoder's latent mean; ``model`` is None, parameters as of ``objects``."""
    return _run("latent", model, corpus, out, progress, settings, fields)


def features(
    model: Any,
    corpus: Any,
    *,
    out: str | Path | None = None,
    progress: Progress | None = None,
    settings: Any = None,
    **fields: Any,
) -> AuditResult:
    """What each acoustic feature does for a speech model; ``model`` is None, parameters as of ``objects``."""
    return _run("features", model, corpus, out, progress, settings, fields)


def _run(
    name: str, model: Any, corpus: Any, out: str | Path | None, progress: Progress | None, settings: Any, fields: dict[str, Any]
) -> Any:
    """Call an audit's slice, which is imported when it is needed."""
    run = import_module(f"affectlens.audits.{name}.audit").run
    return run(model, corpus, out=out, progress=progress, settings=settings, **fields)
