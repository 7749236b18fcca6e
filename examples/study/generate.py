"""A small study, generated: 12 participants who see a calm and a stirring film, logs as FaceReader writes them, two raters.

python examples/study/generate.py FOLDER makes FOLDER/study.yaml and the files that it names; then

    affectlens study check FOLDER/study.yaml
    affectlens study run FOLDER/study.yaml

What is planted: 2 seconds after the wave of the stirring film people of both groups smile, by about one standard deviation of
people more than in the calm film; anger and sadness do not change. One participant fell asleep, one log is cut short before the
event, and some frames have no face, so that the flow of data has something to tell.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

PEOPLE, RATE, LENGTH, WAVE = 12, 5.0, 16.0, 6.0
CONDITIONS = ("calm", "stirring")
RATERS = {"Ann": 1, "Ben": 3}  # and how often each slips
HEAD = "Video Time\tNeutral\tHappy\tSad\tAngry\tValence"


def smile(time: np.ndarray, size: float) -> np.ndarray:
    """What is planted: a rise that begins 1 s after the wave and is over 6 s after it."""
    after = time - WAVE
    return size * np.where((after > 1) & (after < 6), np.sin(np.pi * (after - 1) / 5), 0.0)


def log(path: Path, happy: np.ndarray, angry: np.ndarray, sad: np.ndarray, lost: np.ndarray, seconds: float = LENGTH) -> None:
    """A detailed log as FaceReader writes it, with decimal commas."""
    lines = ["Video analysis detailed log", "", f"Filename\t{path.stem}.mp4", "Frame rate\t5,0", "", "", HEAD]
    for number in range(int(seconds * RATE)):
        minutes, rest = divmod(number / RATE, 60)
        cells = ["FIND_FAILED"] * 5
        if not lost[number]:
            values = (0.27, happy[number], sad[number], angry[number], happy[number] - angry[number])
            cells = [f"{value:.4f}".replace(".", ",") for value in values]
        lines.append("\t".join([f"00:{int(minutes):02d}:{rest:06.3f}", *cells]))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def subtitles(path: Path, labels: list[str]) -> None:
    """What a rater said, a cue every two seconds."""
    cues = []
    for number, label in enumerate(labels):
        cues.append(f"{number + 1}\n00:00:{2 * number:02d},000 --> 00:00:{2 * number + 2:02d},000\n{label}\n")
    path.write_text("\n".join(cues), encoding="utf-8")


def generate(folder: Path, seed: int = 7, cut_short: bool = True) -> Path:
    """Write the study and all of its files; gives the study file."""
    rng = np.random.default_rng(seed)
    (folder / "logs").mkdir(parents=True, exist_ok=True)
    (folder / "raters").mkdir(exist_ok=True)
    time = np.arange(int(LENGTH * RATE)) / RATE
    lines = ["title: Calm and stirring films", "", "participants:"]
    for number in range(1, PEOPLE + 1):
        name = f"P{number:02d}"
        own = rng.normal(0.2, 0.05)
        lines += [f"  - id: {name}", f"    group: {'younger' if number % 2 else 'older'}", "    recordings:"]
        for condition in CONDITIONS:
            size = rng.normal(0.12 if condition == "stirring" else 0.0, 0.07)
            happy = np.clip(own + smile(time, size) + rng.normal(0, 0.04, len(time)), 0, 1)
            angry, sad = (np.clip(0.1 + rng.normal(0, 0.03, len(time)), 0, 1) for _ in range(2))
            lost = rng.random(len(time)) < 0.04
            short = cut_short and number == 5 and condition == "calm"
            log(folder / "logs" / f"{name}_{condition}.txt", happy, angry, sad, lost, 5.0 if short else LENGTH)
            lines.append(f"      - {{table: logs/{name}_{condition}.txt, condition: {condition}, stimulus: {condition} film}}")
        rest = np.clip(own + rng.normal(0, 0.04, len(time)), 0, 1)
        log(folder / "logs" / f"{name}_rest.txt", rest, 0 * rest + 0.1, 0 * rest + 0.1, np.zeros(len(time), bool))
        lines.append(f"    baseline: {{table: logs/{name}_rest.txt, start: 0, end: 12}}")
    for rater, slips in RATERS.items():
        for number in (1, 2, 3):
            labels = ["neutral", "neutral", "neutral", "happiness", "happiness", "neutral", "neutral", "neutral"]
            for place in rng.choice(len(labels), slips, replace=False):
                labels[place] = "sadness"
            (folder / "raters" / rater).mkdir(exist_ok=True)
            subtitles(folder / "raters" / rater / f"P{number:02d}_stirring.srt", labels)
    shown = "duration: 16, markers: [{name: wave, time: 6}, {name: cut, time: 10}]"
    files = ["P01_stirring.srt", "P02_stirring.srt", "P03_stirring.srt"]
    lines += [
        "", "stimuli:", *(f"  - {{name: {one} film, {shown}}}" for one in CONDITIONS),
        "", "raters:", *(f"  - {{name: {one}, files: [{', '.join(f'raters/{one}/{file}' for file in files)}]}}"
                         for one in RATERS),
        "", "exclusions:", "  - {participant: P11, reason: fell asleep}", "",
        "analysis:", "  measures: [happiness, anger, sadness]", "  event: wave", "  window: [-2, 8]", "  bin: 0.5",
        "  test: [0, 6]", "  baseline: person", "  draws: 2000", "  seed: 1", "",
    ]  # fmt: skip
    study = folder / "study.yaml"
    study.write_text("\n".join(lines), encoding="utf-8")
    return study


if __name__ == "__main__":
    print(generate(Path(sys.argv[1] if len(sys.argv) > 1 else "study")))
