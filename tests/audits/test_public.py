"""``affectlens.audit``: how its functions may be called."""

import inspect
from dataclasses import dataclass

import pytest

from affectlens import audit
from affectlens.audits.registry import AUDITS, register_audit
from affectlens.core.errors import UsageError
from affectlens.core.settings import Settings, setting


@dataclass(frozen=True)
class EchoSettings(Settings):
    depth: int = setting(3, "How deep.", least=1)


@pytest.fixture(params=["", "face", None])
def default(request):
    @register_audit("echo", EchoSettings, help="Gives back what it is given.", model=request.param)
    def echo(model, corpora, *, out=None, progress=None, settings=None, **fields):
        return model, corpora, fields

    yield request.param or None
    AUDITS.remove("echo")


def test_model_and_corpus_by_place_or_name(default):
    wanted = ("gait", "emodb=e", {"depth": 4})
    assert audit.echo("gait", "emodb=e", depth=4) == wanted
    assert audit.echo("gait", corpus="emodb=e", depth=4) == wanted
    assert audit.echo(model="gait", corpus="emodb=e", depth=4) == wanted


def test_the_corpus_alone(default):
    assert audit.echo("emodb=e") == (default, "emodb=e", {})
    assert audit.echo(corpus="emodb=e") == (default, "emodb=e", {})
    with pytest.raises(UsageError, match="looks at a corpus"):
        audit.echo()
    with pytest.raises(TypeError, match="given by name"):
        audit.echo("gait", "emodb=e", 4)


def test_settings_are_checked_before_the_audit_is_called(default):
    with pytest.raises(UsageError, match="--depth 0"):
        audit.echo("emodb=e", depth=0)
    with pytest.raises(UsageError, match="did you mean depth"):
        audit.echo("emodb=e", dept=2)


def test_help_shows_every_setting(default):
    shown = inspect.signature(audit.echo).parameters
    assert list(shown) == ["model", "corpus", "out", "progress", "settings", "workers", "shard", "on", "depth"]
    assert shown["model"].default == default and shown["depth"].default == 3
