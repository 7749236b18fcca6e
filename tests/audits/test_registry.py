from dataclasses import dataclass

import pytest

from affectlens.audits.registry import AUDITS, RegisteredAudit, register_audit
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


def test_what_is_registered_is_as_it_was_given():
    def count(model, corpora):
        """Words of its own."""

    given = {"model": "face", "model_help": "a face model", "several": True, "assets": lambda *_: [], "listing": lambda *_: []}
    assert register_audit("count", CountSettings, help="Counts.", **given)(count) is count
    try:
        assert AUDITS.get("count") == RegisteredAudit("count", count, CountSettings, "Counts.", **given)
    finally:
        AUDITS.remove("count")
    plain = RegisteredAudit("count", count, CountSettings, "Counts.")
    assert (plain.model, plain.model_help, plain.several, plain.assets, plain.listing) == ("", "", False, None, None)
    register_audit("count", CountSettings)(count)
    assert AUDITS.remove("count") == RegisteredAudit("count", count, CountSettings, "Words of its own.")


def test_settings_have_to_be_a_class_and_names_are_audits():
    for wrong in (CountSettings(), object, "CountSettings"):
        with pytest.raises(UsageError, match=r"audit 'x': settings .*; a subclass of"):
            register_audit("x", wrong)
    with pytest.raises(UsageError, match="unknown audit 'propertis'; did you mean properties"):
        AUDITS.get("propertis")
