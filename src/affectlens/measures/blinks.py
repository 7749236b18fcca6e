"""Blinks of people, frame by frame, with onset and duration."""

from __future__ import annotations

from dataclasses import dataclass, field

SHUT, OPEN = 0.5, 0.35  # closing of the eyes from which on they are shut, and below which they are open again
LONGEST = 0.5  # seconds; eyes shut for longer are no blink


@dataclass(frozen=True)
class Blink:
    """Eyes that were shut and opened again.

    Attributes
    ----------
    person : int
        Whose.
    onset, end : float
        Seconds: the last frame with open eyes before, and the first after.
    peak : float
        The highest closing, 0 to 1.
    complete : bool
        Whether both ends were seen.
    """

    person: int
    onset: float
    end: float
    peak: float
    complete: bool = True

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.end - self.onset

    @property
    def kind(self) -> str:
        """``blink``, or ``closure`` of more than half a second."""
        return "blink" if self.duration <= LONGEST else "closure"


@dataclass
class _State:
    opened: float = float("nan")  # when the eyes were last seen open
    seen: float = float("nan")
    peak: float = 0.0
    shut: bool = False


@dataclass
class Blinks:
    """Feed frames in order of time; blinks are complete when the eyes are open again.

    Attributes
    ----------
    found : list of Blink
        So far.
    gap : float
        Seconds without the person after which a blink is broken off.
    """

    found: list[Blink] = field(default_factory=list)
    gap: float = 0.5
    _people: dict[int, _State] = field(default_factory=dict)

    def add(self, person: int, time: float, closing: float) -> bool:
        """One frame of a person.

        Parameters
        ----------
        person : int
            Who.
        time : float
            Seconds.
        closing : float
            The mean of both eyes' blendshapes of blinking, 0 to 1.

        Returns
        -------
        bool
            Whether the eyes are shut.
        """
        state = self._people.setdefault(person, _State())
        if state.seen == state.seen and time - state.seen > self.gap:
            self._break_off(person, state)
            state = self._people[person] = _State()
        state.seen = time
        if closing <= OPEN:
            if state.shut and state.opened == state.opened:
                self.found.append(Blink(person, state.opened, time, state.peak))
            state.opened, state.shut, state.peak = time, False, 0.0
            return False
        state.peak = max(state.peak, closing)
        state.shut = state.shut or closing >= SHUT
        return closing >= SHUT

    def finish(self) -> list[Blink]:
        """All blinks; those still open at the end are not complete."""
        for person, state in self._people.items():
            self._break_off(person, state)
        self._people.clear()
        return self.found

    def _break_off(self, person: int, state: _State) -> None:
        if state.shut and state.opened == state.opened:
            self.found.append(Blink(person, state.opened, state.seen, state.peak, complete=False))
