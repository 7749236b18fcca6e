"""Where eyes and mouth lie in FER2013's training pictures, which decides how faces are cropped for the face network.

Usage: python scripts/fer_template.py FER2013.parquet [pictures]
Prints the median position of eye centres and mouth centre as fractions of the picture's side.
"""

import io
import sys

import cv2
import numpy as np
import pandas as pd
from PIL import Image

from affectlens.assets.store import locate
from affectlens.perception.face.detector import FaceDetector
from affectlens.perception.face.landmarks import FaceLandmarker

table = pd.read_parquet(sys.argv[1])
count = int(sys.argv[2]) if len(sys.argv) > 2 else 400
rows = table[table.split == "train"].sample(count, random_state=0)
detect, land = FaceDetector(locate("yunet"), score=0.6), FaceLandmarker(locate("face-landmarker"))
found = []
for jpeg in rows.jpeg:
    grey = np.asarray(Image.open(io.BytesIO(jpeg)).convert("L"))
    canvas = cv2.copyMakeBorder(cv2.resize(grey, (192, 192)), 32, 32, 32, 32, cv2.BORDER_REPLICATE)
    image = cv2.cvtColor(canvas, cv2.COLOR_GRAY2RGB)
    for face in detect(image)[:1]:
        marks = land(image, face.points[:2], face.box)
        if marks.presence > 0.8 and abs(marks.head_pose()[0]) < 15:
            mouth = marks.points[[13, 14], :2].mean(axis=0)
            found.append((np.vstack([marks.eyes, mouth]) - 32) / 192)
middle, spread = np.median(found, axis=0), np.std(found, axis=0)
print(f"{len(found)} of {count} pictures")
for name, m, s in zip(("right eye", "left eye", "mouth"), middle, spread, strict=True):
    print(f"{name}: x {m[0]:.3f} y {m[1]:.3f} (sd {s[0]:.3f}, {s[1]:.3f})")
