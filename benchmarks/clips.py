"""A longer recording made of the sample clip, played again and again."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av

from affectlens.assets.store import locate
from affectlens.media.container import open_file


def repeated(path: Path, seconds: float) -> Path:
    """Write the sample clip's packets, re-timed, until ``seconds`` are full; nothing is encoded anew."""
    with open_file(locate("sample-clip")) as source:
        streams = [source.streams.video[0], source.streams.audio[0]]
        packets = [(p.stream.index, p.pts, p.dts, bytes(p), p.is_keyframe) for p in source.demux(streams) if p.dts is not None]
        length = Fraction(source.duration, av.time_base)
        with open_file(path, "w") as out:
            copies = {s.index: out.add_stream_from_template(s) for s in streams}
            bases = {s.index: s.time_base for s in streams}
            for turn in range(int(seconds / length) + 1):
                for index, pts, dts, data, key in packets:
                    base = bases[index]
                    shift = int(turn * length / base)
                    if (pts + shift) * base > seconds:
                        continue
                    packet = av.Packet(data)
                    packet.pts, packet.dts, packet.time_base, packet.is_keyframe = pts + shift, dts + shift, base, key
                    packet.stream = copies[index]
                    out.mux(packet)
    return path
