"""Which words are judged, and what is said of those that are not."""

import numpy as np
import pytest

from affectlens.core.options import Options
from affectlens.modalities.words.modality import WordsModality
from affectlens.models.typicality import LEAST_TYPICAL
from affectlens.perception.words.transcript import Utterance, Word
from tests.conftest import asset_path
from tests.fusion.clips import clip_of

FOREIGN = (
    "Ich weiß überhaupt nicht, was ich dazu sagen soll.", "Wir haben gestern den ganzen Abend auf dich gewartet.",
    "Je ne comprends pas pourquoi tu ne m'as rien dit.", "Nous sommes allés au marché avec ma grand-mère.",
    "No puedo creer que hayas hecho una cosa así.", "Mañana vamos a visitar a mis abuelos en el pueblo.",
    "Non riesco a capire perché tu sia così arrabbiato.", "Nie wiem, dlaczego to zrobiłeś, ale jest mi przykro.",
    "Dzisiaj wieczorem idziemy do kina z przyjaciółmi.", "Ik begrijp echt niet waarom je dat gedaan hebt.",
    "Jag vet inte vad jag ska säga till dig längre.", "En tiedä, mitä minun pitäisi sanoa sinulle nyt.",
    "Bugün hava çok güzel, birlikte dışarı çıkalım mı?", "Nevím, proč jsi mi o tom nic neřekl.",
    "Não acredito que você esqueceu o meu aniversário.", "Nem tudom, miért nem szóltál nekem erről.",
    "Saya tidak tahu mengapa kamu marah kepada saya.", "Tôi không biết tại sao anh lại làm như vậy.",
    "Nu știu de ce nu mi-ai spus nimic despre asta.", "Jeg forstår ikke, hvorfor du er så vred på mig.",
)  # fmt: skip
ENGLISH = (
    "I can't believe that you did this to me.", "What a lovely evening, thank you so much!", "Are you going to the shop later?",
    "I am so sorry for your loss.", "That is disgusting, get it away from me.", "He told me that he would be here by eight.",
    "Oh my God, I was so scared last night!", "No way, you really won?", "She left without saying a word.",
    "Leave me alone, I am sick of this.", "We should talk about the rent tomorrow.", "I miss my grandmother every day.",
    "so i told him that i would call him back on monday", "this is the best thing that ever happened to me",
)  # fmt: skip


@pytest.fixture(scope="module")
def modality():
    for name in ("minilm", "whisper-base"):
        asset_path(name)
    return WordsModality(Options(("words",), threads=1, device="cpu"))


def rows(modality, *texts, language="en", translated=False):
    clip = clip_of(explaining=False)
    modality.begin(clip)
    for number, text in enumerate(texts):
        spoken = tuple(Word(word, number + 0.1, number + 0.9, 0.8) for word in text.split())
        modality._utterances.append(Utterance(spoken, language, 0.95, translated=translated))
    modality._voiced = [(0.0, float(len(texts)))]
    return [finding.row for finding in modality.finish(clip, [])[0]]


def test_what_cannot_be_read_is_told_with_its_reason(modality):
    told = rows(
        modality, "Мне очень жаль, правда", "😀 😀", "... ?!", "Hello.", "word " * 200, "I am so happy that you came today"
    )
    assert [row.status for row in told] == ["abstained"] * 5 + ["ok"]
    said = ["written in Cyrillic", "only symbols", "no words in it", "one word is too little", "its end would be cut"]
    assert all(reason in row.reason for reason, row in zip(said, told, strict=False))
    assert told[-1].typical >= LEAST_TYPICAL and told[-1].reason == "" and all(row.text for row in told)


def test_other_languages_taken_for_english_are_unlike_all_that_was_learnt(modality):
    told = rows(modality, *FOREIGN)
    assert np.mean([row.status == "abstained" for row in told]) >= 0.95, [row.text for row in told if row.status == "ok"]
    assert all("unlike all that was learnt" in row.reason and row.typical < 0.05 for row in told if row.status != "ok")
    english = rows(modality, *ENGLISH)
    assert np.mean([row.status == "ok" for row in english]) >= 0.9, [row.text for row in english if row.status != "ok"]


def test_a_translation_is_read_and_the_row_says_so(modality):
    (row,) = rows(modality, "I am so happy that you came today", language="de", translated=True)
    assert (row.status, row.language, row.label) == ("ok", "de", "happiness")
    assert row.reason == "translated by Whisper from de into English"
    (row,) = rows(modality, "Ich freue mich so, dass du da bist", language="de")
    assert row.status == "abstained" and row.reason == "the words model reads en, this is de (95% certain)"


def test_what_was_heard_is_restored_with_its_translation(modality):
    rows(modality, "I am so happy that you came today", language="de", translated=True)
    state = modality.heard()
    modality.begin(clip_of())
    assert modality.restore(state) and modality._utterances[0].translated
