"""Kinds of objects, so that the human can be set against everything else. Names are COCO's, Open Images', and of our faces."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

_NAMES = {
    "face": "face|head|human face|human head|human eye|human nose|human mouth|human ear|human hair|human beard|forehead|nose|"
            "mouth|right brow|left brow|right eye|left eye|right cheek|left cheek|chin and jaw",
    "body": "person|man|woman|boy|girl|human body|human arm|human leg|human foot|human knee|human elbow",
    "hands": "hand|hands|human hand",
    "clothes": "tie|clothing|footwear|jeans|dress|hat|suit|shirt|coat|glasses|sunglasses|fashion accessory|scarf|backpack|"
               "handbag|jacket|trousers|shorts|skirt|swimwear|sun hat|cowboy hat|fedora|helmet|glove|sock|boot|high heels|"
               "sandal|necklace|earrings|watch|belt|umbrella|human clothing",
    "animals": "animal|bird|cat|dog|horse|sheep|cow|elephant|bear|zebra|giraffe|fish|insect|spider|snake|lizard|mammal|"
               "carnivore|reptile|marine mammal|butterfly|duck|chicken|pig|goat|monkey|lion|tiger|rabbit|shark|turtle",
    "food": "food|drink|banana|apple|sandwich|orange|broccoli|carrot|hot dog|pizza|donut|cake|fruit|vegetable|dessert|baked "
            "goods|snack|fast food|bread|coffee|tea|wine|beer|cheese|salad|candy|ice cream|cookie|egg|hamburger|french fries",
    "vehicles": "vehicle|land vehicle|bicycle|car|motorcycle|airplane|bus|train|truck|boat|van|taxi|wheel|tire|helicopter|"
                "ambulance|watercraft|ship|aircraft",
    "furniture": "furniture|chair|couch|bed|dining table|toilet|bench|table|desk|sofa bed|bookcase|cabinetry|pillow|lamp|shelf|"
                 "potted plant|vase|clock|tv|refrigerator|oven|sink|microwave|toaster",
    "scenery": "tree|plant|flower|houseplant|building|house|skyscraper|tower|office building|castle|palm tree|window|door|"
               "street light|traffic light|traffic sign|stop sign|fire hydrant|parking meter|billboard|fountain|sculpture",
}  # fmt: skip
GROUP_OF = {name: group for group, names in _NAMES.items() for name in names.split("|")}
GROUP_OF["outside the face"] = "in no box"
HUMAN = ("face", "body", "hands")
GROUPS = ("human", *_NAMES, "other things", "in no box")


def group_of(name: str) -> str:
    """The group of an object's name; what is not listed is one of the other things."""
    return GROUP_OF.get(name.strip().lower(), "other things")


def group_masks(masks: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Masks by group: the union of the groups' objects, ``human`` (face, body and hands), and what lies in no box."""
    out: dict[str, np.ndarray] = {}
    for name, mask in masks.items():
        kinds = [group_of(name)] + (["human"] if group_of(name) in HUMAN else [])
        for kind in kinds:
            out[kind] = np.maximum(out[kind], mask) if kind in out else mask
    if masks:
        uncovered = 1 - np.minimum(1, np.sum(list(masks.values()), axis=0))
        if uncovered.sum() > 0:
            out["in no box"] = np.maximum(uncovered, out["in no box"]) if "in no box" in out else uncovered
    return out
