from dataclasses import dataclass

import pytest

from affectlens.audits.registry import AUDITS, register_audit
from affectlens.core.errors import UsageError
from affectlens.core.settings import Settings, setting


@dataclass(frozen=True)
class CountSettings(Settings):
    least: int = setting(1, "Fewest items.", least=1)


def test_an_audit_is_one_function_with_one_decorator():
    @register_audit("count of items", CountSettings, model=None)
    def count(model, corpora, *, out=None, progress=None, settings=None, **fields):
        """How many items there are.

        More words.
        """

    try:
        audit = AUDITS.get("count of items")
        assert (audit.help, audit.settings, audit.function, audit.model) == (
            "How many items there are.",
            CountSettings,
            count,
            None,
        )
    finally:
        AUDITS.remove("count of items")


def test_what_is_missing_is_told():
    with pytest.raises(UsageError, match=r"a subclass of affectlens\.core\.settings\.Settings"):
        register_audit("x", dict)
    with pytest.raises(UsageError, match="give help"):
        register_audit("x", CountSettings)(lambda model, corpora: None)
    assert "x" not in AUDITS
