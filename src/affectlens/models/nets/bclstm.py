"""The bidirectional contextual LSTM of Poria et al. (ACL 2017), for any set of modalities.

Level 1, one branch a modality: a BiLSTM over the utterances of a dialogue, then a dense layer of 100 tanh. Level 2: the same
over the joined branches. With one modality level 2 is left out, as in the paper.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from affectlens.core.errors import UsageError
from affectlens.models.nets.config import NetConfig


@dataclass(frozen=True)
class BcLstmConfig(NetConfig):
    """Shape of a network.

    ``widths`` maps each modality to the width of its features; ``anchor`` is the modality whose own answer the joined level
    corrects (see ``BcLstmNet``); ``speakers`` adds a BiLSTM over each speaker's own utterances.
    """

    widths: dict[str, int]
    classes: int
    hidden: int = 100
    dense: int = 100
    dropout: float = 0.5
    anchor: str = ""
    speakers: bool = False
    swap: dict[str, float] = field(default_factory=dict)


class Context(nn.Module):
    """A BiLSTM over the real utterances of each dialogue.

    ``(b, t, i)`` and mask ``(b, t)`` to ``(b, t, 2 hidden)``; padding gives zeros and changes nothing. With ``speakers`` a
    second one runs over each speaker's own utterances and is added.
    """

    def __init__(self, inputs: int, hidden: int, speakers: bool) -> None:
        super().__init__()
        self.lstm = nn.LSTM(inputs, hidden, batch_first=True, bidirectional=True)
        self.own = nn.LSTM(inputs, hidden, batch_first=True, bidirectional=True) if speakers else None

    def forward(self, x: Tensor, mask: Tensor, speaker: Tensor | None = None) -> Tensor:
        """Context of each utterance ``(b, t, 2 hidden)``."""
        out = _run(self.lstm, x, mask)
        if self.own is not None:
            if speaker is None:
                raise UsageError("this network is speaker-aware: give the speaker of each utterance (b, t) as integers")
            for number in range(int(speaker.max()) + 1):
                own = mask & (speaker == number)
                if own.any():
                    out = out + _run(self.own, x, own)
        return out


def _run(lstm: nn.LSTM, x: Tensor, mask: Tensor) -> Tensor:
    """The LSTM over the masked steps of each row only, wherever they lie; zeros elsewhere."""
    count = mask.sum(1)
    rows = torch.nonzero(count).squeeze(1)
    # Stable: real steps first, in their order.
    order = torch.argsort((~mask[rows]).to(torch.int8), dim=1, stable=True)
    front = torch.gather(x[rows], 1, order.unsqueeze(-1).expand(-1, -1, x.shape[-1]))
    packed = nn.utils.rnn.pack_padded_sequence(front, count[rows].cpu(), batch_first=True, enforce_sorted=False)
    states, _ = nn.utils.rnn.pad_packed_sequence(lstm(packed)[0], batch_first=True, total_length=x.shape[1])
    back = torch.zeros_like(states).scatter(1, order.unsqueeze(-1).expand_as(states), states)
    return torch.zeros(x.shape[0], x.shape[1], states.shape[-1], dtype=x.dtype, device=x.device).index_copy(0, rows, back)


class Branch(nn.Module):
    """Level 1 of one modality: context, dense layer, and an answer of its own ``(b, t, classes)``."""

    def __init__(self, inputs: int, config: BcLstmConfig) -> None:
        super().__init__()
        self.context = Context(inputs, config.hidden, config.speakers)
        self.dense = nn.Sequential(nn.Dropout(config.dropout), nn.Linear(2 * config.hidden, config.dense), nn.Tanh())
        self.head = nn.Sequential(nn.Dropout(config.dropout), nn.Linear(config.dense, config.classes))

    def forward(self, x: Tensor, mask: Tensor, speaker: Tensor | None) -> tuple[Tensor, Tensor]:
        """Dense state ``(b, t, dense)`` and logits ``(b, t, classes)``."""
        z = self.dense(self.context(x, mask, speaker))
        return z, self.head(z)


class BcLstmNet(nn.Module):
    """Features of each modality ``(b, t, width)`` and mask ``(b, t)`` to logits ``(b, t, classes)``.

    In training an utterance's features of a modality are swapped for another utterance's at the rates ``config.swap``: features
    that were fitted on the training labels are right nearly always there and wrong, just as sure, elsewhere, so a network that
    is not shown how they fail trusts them blindly and learns no context. ``anchor``: level 2 adds to the logits of that branch
    (a residual), so that fusion cannot lose it.
    """

    def __init__(self, config: BcLstmConfig) -> None:
        super().__init__()
        if not config.widths:
            raise UsageError("a contextual network needs at least one modality")
        if config.anchor and config.anchor not in config.widths:
            raise UsageError(f"the anchor {config.anchor!r} is none of the modalities {', '.join(config.widths)}")
        self.config = config
        self.branches = nn.ModuleDict({modality: Branch(width, config) for modality, width in config.widths.items()})
        self.joined = len(config.widths) > 1
        if self.joined:
            self.context = Context(config.dense * len(config.widths), config.hidden, config.speakers)
            self.dense = nn.Sequential(nn.Dropout(config.dropout), nn.Linear(2 * config.hidden, config.dense), nn.Tanh())
            self.head = nn.Sequential(nn.Dropout(config.dropout), nn.Linear(config.dense, config.classes))
        self.drop = nn.Dropout(config.dropout)

    def answers(
        self, features: dict[str, Tensor], mask: Tensor, speaker: Tensor | None = None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The network's logits and those of each branch, all ``(b, t, classes)``."""
        states, own = [], {}
        for modality, branch in self.branches.items():
            if modality not in features:
                raise UsageError(f"no {modality} features were given; this network reads {', '.join(self.branches)}")
            x = features[modality]
            if x.shape[-1] != self.config.widths[modality]:
                raise UsageError(
                    f"{modality} features are {x.shape[-1]} wide; this network reads {self.config.widths[modality]}"
                )
            z, own[modality] = branch(self._swapped(modality, x, mask), mask, speaker)
            states.append(z)
        if not self.joined:
            return next(iter(own.values())), own
        logits = self.head(self.dense(self.context(self.drop(torch.cat(states, -1)), mask, speaker)))
        return (logits + own[self.config.anchor] if self.config.anchor else logits), own

    def forward(self, features: dict[str, Tensor], mask: Tensor, speaker: Tensor | None = None) -> Tensor:
        """Logits ``(b, t, classes)``; those of padding mean nothing."""
        return self.answers(features, mask, speaker)[0]

    def _swapped(self, modality: str, x: Tensor, mask: Tensor) -> Tensor:
        rate = self.config.swap.get(modality, 0.0)
        return swapped(x, mask, rate) if self.training and rate else x


def swapped(x: Tensor, mask: Tensor, rate: float, generator: torch.Generator | None = None) -> Tensor:
    """Features ``(b, t, w)`` in which each real utterance has, at this rate, those of a random real utterance of the batch."""
    real = x[mask]
    other = real[torch.randint(len(real), (len(real),), generator=generator)]
    chosen = torch.rand(len(real), generator=generator) < rate
    out = x.clone()
    out[mask] = torch.where(chosen.unsqueeze(-1).to(x.device), other, real)
    return out
