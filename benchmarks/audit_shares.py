"""An audit of objects whose items are looked at in shares, each in a process of its own, and what its tables then hold."""

from __future__ import annotations

import hashlib
import multiprocessing
from collections.abc import Sequence
from pathlib import Path

import numpy as np

PICTURES = 200


def tables_of_shares(folder: Path, order: Sequence[int]) -> dict[str, str]:
    """Do the shares of an audit in some order, put them together, and give a digest of every table that is written.

    Parameters
    ----------
    folder : Path
        Receives the pictures once, and one folder of results a call.
    order : sequence of int
        The numbers of all shares; a single one is the audit that is not divided.
    """
    pictures = folder / "pictures"
    if not pictures.exists():
        from tests.audits.objects.nets import write_folder

        pictures.mkdir(parents=True)
        write_folder(pictures, PICTURES, np.random.default_rng(3))
        (pictures / "zz.png").write_bytes(b"no picture")
    place = len(list(folder.glob("audit-*")))
    out = folder / f"audit-{place}"
    shares = [f"{number}/{len(order)}" for number in order] if len(order) > 1 else []
    for shard in [*shares, ""]:
        _in_a_process(pictures, out, shard)
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(out.glob("*.parquet"))}


def _in_a_process(pictures: Path, out: Path, shard: str) -> None:
    process = multiprocessing.get_context("spawn").Process(target=_audit, args=(pictures, out, shard))
    process.start()
    process.join()
    if process.exitcode:
        raise RuntimeError(f"an audit of shard {shard or 'all'} ended with exit code {process.exitcode}")


def _audit(pictures: Path, out: Path, shard: str) -> None:
    from tests.audits.objects.nets import redness

    from affectlens.audits.objects.audit import ObjectAuditor
    from affectlens.audits.objects.pictures import Pictures
    from affectlens.audits.objects.settings import ObjectSettings
    from affectlens.dispatch import Running, Shard, ShareDoneError, running

    given = Pictures(pictures, objects=str(pictures.parent / "boxes.json"), labels=pictures.parent / "labels.csv")
    auditor = ObjectAuditor(redness(), given, ObjectSettings(methods=("hirescam", "eigencam"), effects=2), out)
    with running(Running(shard=Shard.of(shard))):
        try:
            auditor.run()
        except ShareDoneError:
            return
