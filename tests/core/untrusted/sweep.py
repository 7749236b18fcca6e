"""Feeds hostile files to every reader, in a process of its own: prints a line of JSON for each reading.

``python -m tests.core.untrusted.sweep FOLDER`` is what `test_untrusted` runs, so that memory and what is executed can be watched.
"""

import json
import os
import resource
import signal
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import torch

from affectlens.audits.result import AuditResult
from affectlens.core.errors import AffectlensError
from affectlens.core.results import SavedResult
from tests.core.untrusted import hostile
from tests.corpora.every import every_tree

PATIENCE = 60  # seconds after which a reading is called endless
Read = Callable[[Path], object]


def _corpus(name: str) -> Read:
    def read(path: Path) -> object:
        from affectlens.corpora.base import open_corpus

        corpus = open_corpus(name, path)
        split = corpus.info.splits[0]
        if hasattr(corpus, "items"):
            return [item.problem for item, _ in zip(corpus.items(split), range(3), strict=False)]
        return len(corpus.dialogues(split))

    return read


def kinds() -> dict[str, dict[str, bytes]]:
    """Hostile files by the ending of the name that they go by."""
    tables = hostile.tables()
    return {
        ".pkl": hostile.pickles(), ".npz": hostile.archives(), ".npy": hostile.arrays(), ".json": hostile.documents(), ".bvh": hostile.motions(),
        ".csv": tables, ".tsv": tables, ".txt": tables, ".parquet": hostile.parquets(), ".mat": hostile.matlab(), ".pth": hostile.checkpoints(),
        ".h5": hostile.tables(), ".yaml": tables, ".wdseg": tables,
    }  # fmt: skip


def of_corpora(folder: Path, files: dict[str, dict[str, bytes]]) -> Iterator[tuple[str, str, Read, Path]]:
    """Every registered corpus, with each of its files that is no picture and no sound replaced by each hostile one in turn."""
    for name, root in every_tree(folder).items():
        held = [root] if root.is_file() else sorted(p for p in root.rglob("*") if p.is_file())
        seen = set()
        for file in held:
            if file.suffix not in files or (file.parent, file.suffix) in seen:
                continue
            seen.add((file.parent, file.suffix))
            good = file.read_bytes()
            for label, content in files[file.suffix].items():
                file.write_bytes(content)
                yield f"corpus {name}", f"{file.name}: {label}", _corpus(name), root
            file.write_bytes(good)


def of_files(folder: Path, files: dict[str, dict[str, bytes]]) -> Iterator[tuple[str, str, Read, Path]]:
    """Every other reader that takes the path of a file."""
    from affectlens.audits.concepts.bank import ConceptBank
    from affectlens.context.store import Store
    from affectlens.core.disk.cache import kept_arrays
    from affectlens.core.tables import read_frame
    from affectlens.core.untrusted.documents import read_toml
    from affectlens.models.adapters.predictions import read_predictions
    from affectlens.models.open import open_model
    from affectlens.models.shipped.emonet import EmoNetModel
    from affectlens.models.weights import read_weights
    from affectlens.perception.body.bvh import read_bvh
    from affectlens.perception.body.formats import read_keypoints
    from affectlens.perception.scene.detections import read_detections

    def cached(path: Path) -> object:
        return kept_arrays(path.parent, path.stem.partition("-")[0], path.stem.partition("-")[2], dict)

    readers: list[tuple[str, str, str, Read]] = [
        ("bvh", "a.bvh", ".bvh", read_bvh), ("keypoints", "a.json", ".json", lambda p: read_keypoints([p], 30)),
        ("detections", "a.json", ".json", read_detections), ("detections", "a.csv", ".csv", read_detections),
        ("predictions", "a.json", ".json", read_predictions), ("predictions", "a.csv", ".csv", read_predictions),
        ("predictions", "a.parquet", ".parquet", read_predictions), ("frame", "a.parquet", ".parquet", read_frame),
        ("cache", "a-1.npz", ".npz", cached), ("bank", "a.safetensors", ".json", ConceptBank.load), ("weights", "a.safetensors", ".json", read_weights),
        ("emonet", "a.pth", ".pth", EmoNetModel), ("torchscript", "a.pt", ".pth", open_model), ("onnx", "a.onnx", ".npz", open_model),
        ("store", "a.sqlite", ".csv", lambda p: Store(p).units()), ("config", "a.toml", ".json", lambda p: read_toml(p)),
    ]  # fmt: skip
    for name, file, kind, read in readers:
        path = folder / file
        if name in ("torchscript", "onnx"):
            path.with_suffix(".json").write_text('{"labels": ["a", "b"], "size": 8}')
        for label, content in files[kind].items():
            path.write_bytes(content)
            yield name, label, read, path
        for path in folder.glob("a.*"):
            path.unlink()


def of_folders(folder: Path) -> Iterator[tuple[str, str, Read, Path]]:
    """Every reader of a folder of results, and folders of transformers."""
    from affectlens.core.registry import import_below
    from affectlens.evaluation.result import Evaluation
    from affectlens.models.open import open_model
    from affectlens.pipeline.results import Result

    for room in ("audits", "explainers", "pipeline", "training"):
        import_below(f"affectlens.{room}")
    readers = [Evaluation, Result, *AuditResult.__subclasses__(), *SavedResult.__subclasses__()]
    for label, held in hostile.results().items():
        for name, content in held.items():
            (folder / name).write_bytes(content)
        for reader in readers:
            yield reader.__name__, label, reader.load, folder
    for label, content in hostile.documents().items():
        (folder / "config.json").write_bytes(content)
        yield "transformers", label, open_model, folder
    own = {
        "code": '{"auto_map": {"AutoConfig": "evil.Evil"}}',
        "layers": '{"model_type": "vit", "num_hidden_layers": 1000000000}',
    }
    for label, text in own.items():
        (folder / "evil.py").write_text(f"open({hostile.CANARY!r}, 'w')")
        (folder / "config.json").write_text(text)
        yield "transformers", label, open_model, folder


def told(read: Read, path: Path) -> str:
    """What became of a reading: read, an error on purpose, or what should not have been."""
    try:
        read(path)
    except AffectlensError as error:
        return f"error: {error}"
    except BaseException:
        return f"wrong: {''.join(traceback.format_exc()[-1500:])}"
    return "read"


def _too_long(*_: object) -> None:
    raise BaseException("it does not come to an end")


def _memory() -> int:
    """Megabytes that the process has taken at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def main(folder: Path) -> None:
    os.chdir(folder)
    canary = Path(hostile.CANARY)
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    signal.signal(signal.SIGALRM, _too_long)
    place = folder / "files"
    (place / "corpora").mkdir(parents=True)
    files = kinds()
    print(json.dumps({"before": _memory()}), flush=True)
    for source in (of_corpora(place / "corpora", files), of_files(place, files), of_folders(place)):
        for name, label, read, path in source:
            signal.alarm(PATIENCE)
            said = told(read, path)
            signal.alarm(0)
            facts = {"reader": name, "file": label, "said": said, "memory": _memory(), "ran": canary.exists()}
            print(json.dumps(facts), flush=True)
    print(json.dumps({"left": sorted(p.name for p in folder.iterdir())}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
