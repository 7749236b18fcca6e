"""What the configurations of networks share."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class NetConfig:
    """Shape of a network; the fields of its subclasses are what a weights file says of it."""

    def to_dict(self) -> dict[str, object]:
        """Plain types, for a weights file."""
        return asdict(self)
