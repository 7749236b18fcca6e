"""What every folder of transformers has: a network, its classes, and what its configuration says of its scores."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from affectlens.core.barrier import reason_of
from affectlens.core.errors import ModelError
from affectlens.models.adapters.transformers.folder_check import check_folder
from affectlens.models.scores import BINARY, PROBLEM_TYPES, REGRESSION, SOFTMAX, Scores, dimensions_in, stated_scores

PROCESSORS = ("preprocessor_config.json", "processor_config.json")
LOCAL = {"local_files_only": True, "trust_remote_code": False}


def loaded(folder: Path, auto: str, what: str) -> Any:
    """The network of a folder, in evaluation mode.

    Parameters
    ----------
    folder : Path
        The saved model.
    auto : str
        The class of transformers that makes it.
    what : str
        What it is, for errors.

    Returns
    -------
    PreTrainedModel
        Ready to be asked.

    Raises
    ------
    ModelError
        transformers is not installed, or there is no such network in the folder.
    """
    try:
        import transformers
    except ImportError as error:
        raise ModelError(f"{folder} needs transformers: pip install transformers") from error
    check_folder(folder)
    try:
        net = getattr(transformers, auto).from_pretrained(str(folder), **LOCAL)
    except Exception as error:
        raise ModelError(f"{folder}: no {what} of transformers ({reason_of(error)[:200]})") from error
    return net.eval()


def companion(folder: Path, auto: str, what: str, files: tuple[str, ...] = (), **options: Any) -> Any:
    """What a folder has beside its network: the processor of pictures or sounds, or the tokenizer.

    Parameters
    ----------
    folder : Path
        The saved model.
    auto : str
        The class of transformers that makes it.
    what : str
        What it is, for errors.
    files : tuple of str
        One of these has to be there; none where several could tell.
    **options
        Of ``from_pretrained``.

    Returns
    -------
    object
        The processor, extractor or tokenizer.

    Raises
    ------
    ModelError
        It is not there, or cannot be made.
    """
    import transformers

    advice = (
        f"save it beside the network ({what}.save_pretrained({str(folder)!r})), or give a function (preprocess=, --preprocess)"
    )
    if files and not any((folder / file).exists() for file in files):
        raise ModelError(f"{folder}: no {files[0]}, so how the network's input is made is not known; {advice}")
    try:
        return getattr(transformers, auto).from_pretrained(str(folder), **LOCAL, **options)
    except Exception as error:
        raise ModelError(f"{folder}: its {what} cannot be made ({reason_of(error)[:300]}); {advice}") from error


def labels_of(names: Mapping[int, Any]) -> tuple[str, ...]:
    """The classes of a model's configuration, in order."""
    return tuple(str(names[place]) for place in range(len(names)))


def classes_and_scores(config: Any, scores: str | Scores = "") -> tuple[tuple[str, ...], Scores]:
    """The classes of a network, and what its numbers are: by the caller, else by its configuration.

    The rules are those of transformers' own pipelines: ``problem_type`` where it is set, else one output is a logit of its
    class against all else, and several are logits of exclusive classes. Outputs that are called valence, arousal or dominance
    are values.

    Parameters
    ----------
    config : PreTrainedConfig
        Of the network.
    scores : str or Scores
        What the caller says.

    Returns
    -------
    labels : tuple of str
        Classes or dimensions; one class gets its opposite before it.
    scores : Scores
        With who says it.

    Raises
    ------
    UsageError
        Labels that cannot be of scores of this kind.
    """
    labels = labels_of(config.id2label)
    kind, problem = "", getattr(config, "problem_type", None)
    if isinstance(scores, str) and scores:
        configured = PROBLEM_TYPES.get(str(problem), "")
        other = configured not in ("", scores)
        made = Scores(scores, "the caller" + (f", though config.json has problem_type {problem}" if other else ""))
        kind = scores
    elif isinstance(scores, Scores) and scores.kind:
        kind, made = scores.kind, scores
    else:
        kind, source = _by_configuration(labels, problem)
        made = Scores(kind, source)
    if kind in (BINARY, "binary-probability") and len(labels) == 1:
        labels = (f"not {labels[0]}", labels[0])
    return labels, stated_scores(made, labels)


def _by_configuration(labels: tuple[str, ...], problem: Any) -> tuple[str, str]:
    if str(problem) in PROBLEM_TYPES:
        return PROBLEM_TYPES[str(problem)], f"problem_type {problem} in config.json"
    if labels and len(dimensions_in(labels)) == len(labels):
        return REGRESSION, f"the names of its outputs in config.json ({', '.join(labels)})"
    if len(labels) == 1:
        return BINARY, "num_labels 1 in config.json, which transformers reads as one logit"
    return SOFTMAX, "config.json: several labels and no problem_type, which transformers reads as classes of which one holds"
