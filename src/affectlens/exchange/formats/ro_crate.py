"""RO-Crate: the folder of a run described for archives: inputs with sha256, software, models, outputs, annotations.

The metadata file is put into the folder itself, as https://w3id.org/ro/crate asks; it is made by rocrate. How the run was
done follows the profile https://w3id.org/ro/wfrun/process/0.5.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote, unquote

from affectlens.core.barrier import reading
from affectlens.core.disk.files import sha256_of, write_json, write_whole
from affectlens.core.disk.finding import is_hidden
from affectlens.core.environment.extras import helpful
from affectlens.core.environment.versions import package_version
from affectlens.core.errors import MediaError
from affectlens.core.tables import unquoted, write_csv
from affectlens.core.untrusted.documents import read_json
from affectlens.core.untrusted.frames import read_csv
from affectlens.exchange.annotations import Annotations, Segment
from affectlens.exchange.lines import count, segment_of_line
from affectlens.exchange.registry import PARTS, register_format

METADATA, TABLE, MANIFEST = "ro-crate-metadata.json", "annotations.csv", "provenance.json"
PROFILE = "https://w3id.org/ro/wfrun/process/0.5"


def read(path: Path) -> Annotations:
    """Read the annotations that the crate holds; files whose sha256 is another than the crate says are told."""
    graph = _graph(path)
    table = path / TABLE
    if not table.exists():
        raise MediaError(f"{path}: no {TABLE} in it; an RO-Crate that affectlens wrote was expected")
    with reading(table, "a table of annotations"):
        frame = read_csv(table, keep_default_na=False, dtype=str).map(unquoted)
        segments: list[Segment] = []
        for number, row in enumerate(frame.to_dict("records"), 2):
            sure = float(row["confidence"]) if row["confidence"] else float("nan")
            texts = {str(name): str(row[name]) for name in ("file", "tier", "person", "rater")}
            segments.append(
                segment_of_line(
                    table, number, float(row["start"]), float(row["end"]), str(row["value"]), confidence=sure, **texts
                )
            )
    count(table, segments)
    vocabularies = {
        str(one.get("name", "")): tuple(map(str, one.get("hasDefinedTerm") or ()))
        for one in graph
        if one.get("@type") == "DefinedTermSet"
    }
    files = [str(one.get("name", "")) for one in graph if str(one.get("@id", "")).startswith("#recording-")]
    return Annotations(tuple(segments), vocabularies, tuple(files), {}, tuple(_changed(path, graph)))


def _graph(path: Path) -> list[dict[str, Any]]:
    file = path / METADATA if path.is_dir() else path
    content = read_json(file)
    graph = content.get("@graph") if isinstance(content, dict) else None
    if not isinstance(graph, list) or not all(isinstance(one, dict) for one in graph):
        raise MediaError(f"{file}: no @graph of entities; the metadata of an RO-Crate was expected")
    return graph


def _changed(path: Path, graph: list[dict[str, Any]]) -> Iterator[str]:
    """What is not as the crate says; places outside of its folder are not looked at."""
    for one in graph:
        told, name = str(one.get("sha256", "")), unquote(str(one.get("@id", "")))
        if (
            not told
            or name.startswith("#")
            or ".." in PurePosixPath(name).parts
            or PurePosixPath(name).is_absolute()
            or ":" in name
        ):
            continue
        file = path / name
        if not file.is_file():
            yield f"{name}: the crate lists it, and it is not there"
        elif sha256_of(file, fresh=True) != told:
            yield f"{name}: its sha256 is another than the crate says; it was changed"


@register_format("ro-crate", "an RO-Crate", read=read, suffix="", several=True, step=0.0, holds=PARTS)
def write(annotations: Annotations, path: Path) -> None:
    """Describe a folder, and put the annotations into it as a csv."""
    with helpful():
        from rocrate.model import ContextEntity, SoftwareApplication
        from rocrate.rocrate import ROCrate
    write_whole(path / TABLE, lambda partial: write_csv(annotations.to_frame(), partial))
    crate: Any = ROCrate()
    crate.name = "Expressed emotion, recognised by affectlens"
    crate.description = f"Annotations of {len(annotations.files)} recordings, with the reports and tables that they come from."
    about = {"name": "affectlens", "version": package_version(), "softwareVersion": package_version()}
    software = crate.add(SoftwareApplication(crate, "#affectlens", properties=about))
    facts = dict(_manifests(path))
    results = []
    for file in sorted(path.rglob("*")):
        name = file.relative_to(path).as_posix()
        if not file.is_file() or name == METADATA or is_hidden(file, path):
            continue
        kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        told = {"name": name, "encodingFormat": kind, "contentSize": str(file.stat().st_size), "sha256": sha256_of(file)}
        results.append(crate.add_file(dest_path=name, properties=told))
    models: dict[str, Any] = {}
    inputs = []
    for number, recording in enumerate(annotations.files):
        told = {"@type": "MediaObject", "name": recording}
        digest = next((one.get("sha256") for one in facts.values() if one.get("file") == recording), "")
        inputs.append(
            crate.add(ContextEntity(crate, f"#recording-{number}", properties=told | ({"sha256": digest} if digest else {})))
        )
    for one in facts.values():
        for model in one.get("models") or []:
            name = str(model.get("name", ""))
            told = {"@type": "SoftwareApplication", "name": f"model {name}", "identifier": f"sha256:{model.get('sha256', '')}"}
            told |= {"license": str(model["licence"])} if model.get("licence") else {}
            if name not in models:
                models[name] = crate.add(ContextEntity(crate, f"#model-{quote(name)}", properties=told))
    for tier, words in annotations.vocabularies.items():
        terms: dict[str, Any] = {"@type": "DefinedTermSet", "name": tier, "hasDefinedTerm": list(words)}
        crate.add(ContextEntity(crate, f"#vocabulary-{quote(tier, safe='')}", properties=terms))
    action = crate.add(ContextEntity(crate, "#run", properties={"@type": "CreateAction", "name": "affectlens explain"}))
    action["instrument"], action["object"], action["result"] = [software, *models.values()], inputs, results
    crate.root_dataset["mentions"] = action
    crate.root_dataset["conformsTo"] = crate.add(
        ContextEntity(crate, PROFILE, properties={"@type": "CreativeWork", "name": "Process Run Crate"})
    )
    write_json(path / METADATA, crate.metadata.generate())


def _manifests(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """What the reports below a folder say about their making."""
    for file in sorted([*path.glob(MANIFEST), *path.glob(f"*/{MANIFEST}")]):
        if not is_hidden(file, path):
            content = read_json(file)
            if isinstance(content, dict):
                yield file.parent.name, content
