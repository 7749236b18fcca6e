"""Word swaps: whole words, the longest first, capitals kept."""

from __future__ import annotations

import pytest

from affectlens.explainers.interventions.texts import her_to_him, him_to_her, other_names, other_spelling, swapped


@pytest.mark.parametrize(
    ("change", "text", "expected"),
    [
        (him_to_her, "The king and his sons: a man, sir, is male.", "The queen and her sons: a woman, madam, is female."),
        (her_to_him, "The queen saw hers; her mother is a woman.", "The king saw his; his father is a man."),
        (other_names, "Lakisha met JOHN and Sarah.", "Emily met MOHAMMED and Aisha."),
        (other_spelling, "You all want to go because it is not the one.", "Y'all wanna go cuz it ain't da one."),
        (other_spelling, "It isn't about that", "It ain't bout dat"),
    ],
)
def test_sentences(change, text, expected):
    assert change(text) == expected


def test_names_back_and_forth_are_the_same_again():
    text = "Emily, Greg and Fatima"
    assert other_names(text) != text and other_names(other_names(text)) == text


def test_the_longest_entry_wins_and_single_letters_are_no_shouting():
    assert swapped("ice cream and ice", {"ice": "snow", "ice cream": "sorbet"}) == "sorbet and snow"
    assert swapped("A cat, a CAT", {"a": "one", "cat": "dog"}) == "One dog, one DOG"
    assert swapped("a.b and axb", {"a.b": "c"}) == "c and axb"  # a point stands for itself
