"""One clock for picture and sound: the container's, as a player shows it.

Time 0 is where the earliest track starts; a track that starts late starts late, and a gap stays a gap. Edit lists are those
that ffmpeg applies. Where time stamps start again (recordings joined end to end) time goes on, for all tracks alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

import av
import av.container
import av.error
import av.format
import av.stream

from affectlens.core.barrier import reason_of

BACK = 0.1  # seconds that time stamps may run backwards before they count as started again; ffmpeg's own bound
AHEAD = 600.0  # seconds; where a container's stamps may jump (MPEG-TS), a longer leap is another clock, a shorter one a gap
FITS = 1.0  # seconds within which a packet continues its track
TRIES = 100  # damaged places in a row before the rest of a file is given up

Note = Callable[[str], None]
Packet: TypeAlias = "av.Packet[av.stream.Stream]"


@dataclass
class _Track:
    """Where one track has come to: its last packet's stamp, and the part of the recording in which it lay."""

    stamp: float
    part: int
    step: float = 0.0  # from stamp to stamp, for packets that do not tell how long they last


class Timeline:
    """Time stamps of all tracks of a recording, in the order of the file, to time that goes on.

    Parameters
    ----------
    note : callable
        Takes one sentence when time stamps start again.
    origin : float
        Seconds of the file's clock at time 0, for that sentence.
    leaps : bool
        Whether the container's clock may leap forwards without a gap, as that of MPEG-TS may.

    Examples
    --------
    Two clips of two frames joined: the second goes on where the first ended.

    >>> timeline = Timeline(print, origin=5.0)
    >>> [stamp + timeline.place("video", stamp, 1.0) for stamp in (5.0, 6.0, 5.0, 6.0)]
    time stamps start again at 2.0 s; time was counted on from there
    [5.0, 6.0, 7.0, 8.0]
    """

    def __init__(self, note: Note, origin: float = 0.0, leaps: bool = False) -> None:
        self._note, self._origin, self._leaps = note, origin, leaps
        self._offsets = [0.0]
        self._tracks: dict[object, _Track] = {}
        self._now = self._shown = 0.0  # where the file is, and the end of everything that was shown so far

    def place(self, track: object, stamp: float | None, duration: float = 0.0, shown: float | None = None) -> float:
        """What has to be added to a packet's time stamps.

        Parameters
        ----------
        track : hashable
            The track that the packet belongs to.
        stamp, duration : float, optional
            Of the packet, in seconds of the file's clock; stamps in decoding order. A packet without a stamp, as the first of a
            track may be, lies in the part that its track has come to.
        shown : float, optional
            When the packet's content is shown, where that is not the stamp.

        Returns
        -------
        float
            Seconds.
        """
        state = self._tracks.get(track)
        if stamp is None:
            return self._offsets[state.part if state else 0]
        shown = stamp if shown is None else shown
        part = self._part_of(state, stamp)
        if state is not None and part == state.part:
            ahead = stamp + self._offsets[part] - state.stamp
            if ahead < -BACK or (self._leaps and ahead > AHEAD):
                part = self._begin_part(shown)
        offset = self._offsets[part]
        self._now = stamp + offset
        step, came_to = (state.step, state.part) if state else (0.0, 0)
        if state is not None and part == state.part and 0 < self._now - state.stamp <= FITS:
            step = self._now - state.stamp
        self._shown = max(self._shown, shown + offset + (duration or step))
        self._tracks[track] = _Track(self._now, max(part, came_to), step)
        return offset

    def _part_of(self, state: _Track | None, stamp: float) -> int:
        """The part of the recording that a packet belongs to, of the last two."""
        latest = len(self._offsets) - 1
        if latest == 0:
            return 0
        places = {part: stamp + self._offsets[part] for part in (latest, latest - 1)}
        if state is None or state.part < latest:
            # Another track has begun a new part; this one may still have packets of the old, which lie nearer to where
            # the file is.
            return min(places, key=lambda part: abs(places[part] - self._now))
        fits = {part: -BACK <= place - state.stamp <= FITS for part, place in places.items()}
        return latest - 1 if fits[latest - 1] and not fits[latest] else latest  # the leap was one stray packet's

    def _begin_part(self, shown: float) -> int:
        self._offsets.append(self._shown - shown)
        self._note(f"time stamps start again at {self._shown - self._origin:.1f} s; time was counted on from there")
        return len(self._offsets) - 1


def origin_of(container: av.container.InputContainer) -> Fraction:
    """Seconds of the file's clock at which the earliest picture or sound starts: time 0 of the recording."""
    starts = [
        track.start_time * track.time_base
        for track in _tracks_of(container)
        if track.start_time is not None and track.time_base is not None
    ]
    return min(starts, default=Fraction(container.start_time or 0, av.time_base))


def play(
    container: av.container.InputContainer, stream: av.VideoStream | av.AudioStream, note: Note
) -> Iterator[tuple[float, av.VideoFrame | av.AudioFrame]]:
    """Decode one track on the clock of the whole recording.

    Parameters
    ----------
    container : InputContainer
        A recording just opened.
    stream : stream
        The video or audio track that is wanted.
    note : callable
        Takes a sentence about whatever could not be decoded and was left out, and where time stamps start again.

    Yields
    ------
    tuple
        Time in seconds and the decoded frame, as the decoder gives them. Where recordings were joined, the first frames
        of a part may lie a little before the end of the part before it.
    """
    origin = origin_of(container)
    after = 0.0  # where a frame without a time stamp lies: after the one before it
    counted = container.format.name == "avi" and stream.type == "video"
    times = _Times(origin, stream.time_base, (stream.start_time or 0) if counted else None)
    for packet in _packets(container, stream, note, float(origin)):
        try:
            decoded = stream.decode(packet)
        except av.error.EOFError:
            return
        except av.error.FFmpegError as error:
            note(f"some {stream.type} could not be decoded ({reason_of(error)}) and was left out")
            continue
        for frame in decoded:
            known = times.of(frame)
            time = after if known is None else known
            after = time + _duration(frame, stream)
            yield time, frame


class _Times:
    """Time of a decoded frame.

    AVI holds no time at which a frame is shown, only the order of decoding, from which ffmpeg makes stamps that run to and
    fro where there are B-frames. There the first frame is shown when its track starts, and the decoder's count of what it has
    given out is taken from there on.
    """

    def __init__(self, origin: Fraction, base: Fraction | None, first: int | None) -> None:
        self._origin, self._base, self._first = origin, base, first
        self._lead: int | None = None

    def of(self, frame: av.VideoFrame | av.AudioFrame) -> float | None:
        stamp = frame.pts
        if self._first is not None:
            if self._lead is None and frame.dts is not None:
                self._lead = frame.dts - self._first
            stamp = None if frame.dts is None or self._lead is None else frame.dts - self._lead
        base = frame.time_base or self._base  # the last frames that a decoder gives carry no base
        if stamp is None or base is None:
            return None
        return float(stamp * base - self._origin)


def _packets(
    container: av.container.InputContainer, stream: av.VideoStream | av.AudioStream, note: Note, origin: float
) -> Iterator[Packet | None]:
    # Every track's packets are looked at, since each may be the one that tells where the clock starts again. None at the end
    # empties the decoder.
    tracks = _tracks_of(container)
    timeline = Timeline(note, origin, bool(av.format.Flags(container.format.flags) & av.format.Flags.ts_discont))
    for packet in _demux(container, tracks, note):
        if packet.size == 0:
            continue
        _shift(packet, timeline)
        if packet.stream_index == stream.index:
            yield packet
    yield None


def _demux(
    container: av.container.InputContainer, tracks: list[av.VideoStream | av.AudioStream], note: Note
) -> Iterator[Packet]:
    failed = 0
    while failed < TRIES:
        try:
            for packet in container.demux(tracks):
                failed = 0
                yield packet
            return
        except av.error.EOFError:
            return
        except av.error.FFmpegError as error:
            note(f"some of the file could not be read ({reason_of(error)}) and was left out")
            if not isinstance(error, av.error.InvalidDataError):
                return
            failed += 1


def _shift(packet: Packet, timeline: Timeline) -> None:
    base = packet.time_base
    if not base:
        return
    decoded, shown = (None if stamp is None else float(stamp * base) for stamp in (packet.dts, packet.pts))
    seconds = float((packet.duration or 0) * base)
    ticks = round(timeline.place(packet.stream_index, decoded, seconds, shown) / base)
    if ticks:
        packet.dts = None if packet.dts is None else packet.dts + ticks
        packet.pts = None if packet.pts is None else packet.pts + ticks


def _duration(frame: av.VideoFrame | av.AudioFrame, stream: av.VideoStream | av.AudioStream) -> float:
    if isinstance(frame, av.AudioFrame):
        return frame.samples / frame.sample_rate if frame.sample_rate else 0.0
    base = frame.time_base or stream.time_base
    if frame.duration and base:
        return float(frame.duration * base)
    rate = stream.average_rate if isinstance(stream, av.VideoStream) else None
    return 1 / float(rate) if rate else 0.04


def is_cover(stream: av.VideoStream) -> bool:
    """Whether a video track is the still picture that comes with music."""
    return bool(stream.disposition & av.stream.Disposition.attached_pic)


def _tracks_of(container: av.container.InputContainer) -> list[av.VideoStream | av.AudioStream]:
    return [stream for stream in container.streams.video if not is_cover(stream)] + list(container.streams.audio)
