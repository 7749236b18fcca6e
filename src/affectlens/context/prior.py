"""What is usual elsewhere: emotions that people saw in FindingEmo's photographs, by the kind of place that was searched for.

FindingEmo (Mertens et al. 2024) is licensed CC BY-NC-SA 4.0. Its photographs were found by searches that name an emotion,
people and a place ("Grateful toddlers kitchen"), so shares tell what such searches find, not how people feel at such places.
The map from Plutchik's 24 emotions to the seven classes and from searches to kinds of place is ours.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from affectlens.core.errors import UsageError
from affectlens.core.labels import EKMAN7
from affectlens.core.untrusted.frames import read_csv

LICENCE = "FindingEmo annotations, CC BY-NC-SA 4.0"
_FAMILIES: tuple[tuple[str, dict[str, float]], ...] = (
    ("Joy Ecstasy Serenity", {"happiness": 1.0}),
    ("Trust Acceptance Admiration", {"happiness": 0.5, "neutral": 0.5}),
    ("Apprehension Fear Terror", {"fear": 1.0}),
    ("Distraction Surprise Amazement", {"surprise": 1.0}),
    ("Pensiveness Sadness Grief", {"sadness": 1.0}),
    ("Disgust Loathing", {"disgust": 1.0}),
    ("Boredom", {"disgust": 0.5, "neutral": 0.5}),
    ("Annoyance Anger Rage", {"anger": 1.0}),
    ("Interest Anticipation Vigilance", {"neutral": 1.0}),
)
_SEVEN = {name: shares for names, shares in _FAMILIES for name in names.split()}
# How a search ends, and which kind of place that is.
_PLACES = {
    "court of law": "courtroom", "shopping mall": "shopping_mall", "living room": "living_room", "classroom": "classroom",
    "school": "school", "office": "office", "workplace": "office", "work": "office", "church": "church", "hospital": "hospital",
    "prison": "prison", "theater": "theater", "museum": "museum", "library": "library", "beach": "beach",
    "playground": "playground", "desert": "desert", "garden": "park", "nature": "field", "countryside": "field",
    "forest": "forest", "kitchen": "kitchen", "bathroom": "bathroom", "bedroom": "bedroom", "studio": "studio", "shop": "shop",
    "store": "shop", "city": "street", "soccer": "athletic_field", "tennis": "athletic_field", "sports": "athletic_field",
    "conference": "conference_room", "meeting": "conference_room",
}  # fmt: skip


@cache
def findingemo(path: Path) -> pd.DataFrame:
    """The ratings of FindingEmo in the columns of the store's units.

    Returns
    -------
    DataFrame
        One row a photograph: place (empty where the search tells none) and ``p_<label>``, the mean over its raters.

    Raises
    ------
    UsageError
        A file without the published columns.
    """
    ratings = read_csv(path)
    if not {"image_path", "emotion"} <= set(ratings.columns):
        raise UsageError(f"{path}: columns {list(ratings.columns)[:6]}; FindingEmo's image_path and emotion were expected")
    ratings = ratings[ratings.emotion.isin(_SEVEN)]
    shares = np.array([[_SEVEN[emotion].get(label, 0.0) for label in EKMAN7.labels] for emotion in ratings.emotion])
    columns = [f"p_{label}" for label in EKMAN7.labels]
    frame = pd.DataFrame(shares, columns=columns, index=ratings.image_path).groupby(level=0).mean()
    searches = [str(path).strip("/").split("/")[1].lower() for path in frame.index]
    frame.insert(0, "fingerprint", frame.index)
    places = [next((place for end, place in _PLACES.items() if search.endswith(end)), "") for search in searches]
    frame.insert(1, "place", places)
    return frame.reset_index(drop=True).assign(indoor=None, started=None, hour=np.nan, weekday=np.nan, person=0, readable=1)
