"""Politeness: how often a caller is cut off within a turn, against how long they wait at its end.

    python benchmarks/politeness.py [--json] [--picture FILE.svg] [--detector NAME ...]
    python benchmarks/politeness.py --dataset DIR       # turns of others, in eot-bench's schema
    python benchmarks/politeness.py --write DIR         # also write the turns that are made here

Turns of recordings and of synthesised callers, with silences spliced in at gaps between words, go through VAD and
turn-taking engine in virtual time, with silence alone, with adaptive endpointing, and with each turn detector; the
delays of each are swept. docs/topics/politeness.md explains how to read what comes out.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import cast

import politeness_curve as curve
from politeness_calls import Heard, Judge, hear
from politeness_curve import Curves, Estimate, Measured, Method
from politeness_dataset import SAMPLE_RATE, DatasetError, Turn, read_dataset, write_dataset
from politeness_picture import picture
from politeness_speech import make_turns

from beluga_voice import TurnPolicy
from beluga_voice.contracts import VAD, TurnDetector
from beluga_voice.errors import BelugaVoiceError
from beluga_voice.plugins import Plugins

RECORDINGS = Path(__file__).resolve().parents[2] / "shared" / "audio"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        return run(options)
    except (DatasetError, BelugaVoiceError) as error:
        print(f"politeness: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="False cut-offs against mean endpoint delay.")
    add = parser.add_argument
    add("--json", action="store_true", help="print one JSON object")
    add("--picture", type=Path, metavar="FILE.svg", help="write the curves as a picture")
    add("--detector", action="append", metavar="NAME", help="of an installed plugin (default: heuristic)")
    add("--threshold", action="append", type=_probability, metavar="P", help="of it to try (default: 0.5)")
    add("--vad", default="silero", metavar="NAME", help="of an installed plugin (default: silero)")
    add("--dataset", type=Path, metavar="DIR", help="turns in eot-bench's schema, instead of ours")
    add("--write", type=Path, metavar="DIR", help="write the turns in eot-bench's schema")
    add("--recordings", type=Path, default=RECORDINGS, metavar="DIR", help="(default: %(default)s)")
    add("--turns", type=_positive, metavar="N", help="at most (default: all)")
    add("--no-tempo", action="store_true", help="draw all callers' silences alike")
    add("--seed", type=int, default=1, help="of all that is drawn (default: 1)")
    add("--stt-delay", type=_seconds, default=0.2, metavar="S", help="until words are known (default: 0.2)")
    add("--step", type=_step, default=0.05, metavar="S", help="between delays that are tried (default: 0.05)")
    add("--draws", type=_positive, default=curve.DRAWS, help="of the bootstrap (default: %(default)s)")
    return parser


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"is {value}; it must be 1 or more")
    return value


def _between(text: str, low: float, high: float) -> float:
    value = float(text)
    if not low <= value <= high:
        raise argparse.ArgumentTypeError(f"is {text}; it must be from {low:g} to {high:g}")
    return value


def _probability(text: str) -> float:
    return _between(text, 0, 1)


def _seconds(text: str) -> float:
    return _between(text, 0, 1.5)


def _step(text: str) -> float:
    return _between(text, 0.02, 0.5)


def run(options: argparse.Namespace) -> int:
    """Make or read the turns, go through them, and tell.

    Raises:
        DatasetError: the turns cannot be read or written.
        BelugaVoiceError: there is no such plugin, or it fails.
    """
    start = time.perf_counter()
    plugins = Plugins.discover()
    detectors = _detectors(plugins, options.detector or ["heuristic"])
    vad = cast("VAD", plugins.create("vad", options.vad))
    turns = _turns(options)
    if options.write is not None:
        write_dataset(turns, options.write)
    heard = curve.in_order(hear(turns, vad, TurnPolicy(), _progress))
    measured = asyncio.run(_measure(detectors, heard, options))
    curves = Curves(measured, heard, options.seed, options.draws)
    if options.picture is not None:
        options.picture.write_text(picture(curves), encoding="utf-8")
    about = describe(heard, options.dataset)
    if options.json:
        figures = {"seed": options.seed, "stt_delay": options.stt_delay, "dataset": about, **as_json(curves)}
        print(json.dumps({**figures, "seconds": round(time.perf_counter() - start, 1)}, indent=1))
    else:
        print(*lines(curves, about, options), sep="\n")
        _progress(f"{time.perf_counter() - start:.0f} s in all")
    return 0


def _progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _detectors(plugins: Plugins, names: Sequence[str]) -> dict[str, TurnDetector]:
    return {name: cast("TurnDetector", plugins.create("turn_detector", name)) for name in names}


async def _measure(
    detectors: dict[str, TurnDetector], heard: Sequence[Heard], options: argparse.Namespace
) -> list[Measured]:
    async with AsyncExitStack() as stack:
        for detector in detectors.values():
            await stack.enter_async_context(detector)
        methods = list(_methods(detectors, tuple(options.threshold or (0.5,))))
        return await curve.measure(methods, heard, options.step, options.stt_delay, _progress)


def _methods(detectors: dict[str, TurnDetector], thresholds: tuple[float, ...]) -> Iterable[Method]:
    yield Method("silence alone")
    yield Method("adaptive", adaptive=True)
    for name, detector in detectors.items():
        judge = Judge(detector)
        yield Method(name, judge, thresholds=thresholds)
        yield Method(f"{name}, adaptive", judge, adaptive=True, thresholds=thresholds)


def _turns(options: argparse.Namespace) -> list[Turn]:
    if options.dataset is not None:
        turns = read_dataset(options.dataset)[: options.turns]
        silent = sum(not turn.words for turn in turns)
        if silent:
            _progress(
                f"{silent} turns have no words: one that says nothing stands for each stretch of speech"
            )
        return turns
    if not (options.recordings / "manifest.json").exists():
        _progress(f"no recordings in {options.recordings}: synthesised callers only")
    return make_turns(options.recordings, options.seed, options.turns, tempo=not options.no_tempo)


# -- telling --


def describe(heard: Sequence[Heard], dataset: Path | None) -> dict[str, object]:
    """Say what was gone through."""
    turns = [each.turn for each in heard]
    return {
        "name": "ours" if dataset is None else dataset.name,
        "pauses_within": sum(len(turn.pauses) for turn in turns),
        "ends": len(turns),
        "speakers": len({turn.speaker for turn in turns}),
        "sources": len({turn.source for turn in turns}),
        "languages": sorted({turn.language for turn in turns}),
        "minutes": round(sum(len(turn.samples) for turn in turns) / SAMPLE_RATE / 60, 1),
    }


def as_json(curves: Curves) -> dict[str, object]:
    """Give all figures as JSON's types; each estimate as value, low and high."""
    found = []
    for number, method in enumerate(curves.measured):
        rate, delay = curves.defaults(number)
        found.append(
            {
                "name": method.name,
                "settings": len(method.policies),
                "defaults": {"cut_off_rate": rate.as_json(), "mean_delay": delay.as_json()},
                "cut_off_rate_at_delay": {
                    f"{each:g}": curves.rate_at(number, each).as_json() for each in curve.DELAYS
                },
                "mean_delay_at_rate": {
                    f"{each:g}": curves.delay_at(number, each).as_json() for each in curve.RATES
                },
                "lost": _lost(method),
                "elsewhere": int(method.elsewhere[0]),
                "curve": [
                    {
                        "mean_delay": round(delay, 4),
                        "cut_off_rate": round(rate, 4),
                        "endpoint_min": policy.endpoint_min,
                        "endpoint_max": policy.endpoint_max,
                        "detector_threshold": policy.detector_threshold,
                    }
                    for delay, rate, policy in curves.frontier(number)
                ],
            }
        )
    return {"methods": found}


def _lost(method: Measured) -> int:
    """Ends that the worst setting never found."""
    return int((method.delay != method.delay).sum(axis=1).max())


def lines(curves: Curves, about: dict[str, object], options: argparse.Namespace) -> Iterable[str]:
    """Give the figures as Markdown."""
    names = [each.name for each in curves.measured]
    methods = range(len(names))
    yield (
        f"{about['pauses_within']} pauses within turns and {about['ends']} ends, of {about['speakers']} speakers "
        f"and {about['sources']} sources, {about['minutes']} minutes; seed {options.seed}, words known after "
        f"{options.stt_delay:g} s. In brackets: 95 % intervals of {options.draws} bootstrap draws over sources."
    )
    heads = [f"at {each:g} s" for each in curve.DELAYS]
    yield from ("", "False cut-offs, at a mean delay of at most:", "")
    cells = [[_share(curves.rate_at(number, each)) for each in curve.DELAYS] for number in methods]
    yield from _table(heads, names, cells)
    heads = [f"at {each:.0%}".replace("%", " %") for each in curve.RATES]
    yield from ("", "Mean delay, at a rate of false cut-offs of at most:", "")
    cells = [[_time(curves.delay_at(number, each)) for each in curve.RATES] for number in methods]
    yield from _table(heads, names, cells)
    yield from ("", f"What is gained over {names[0]}, draw by draw:", "")
    heads = [
        f"false cut-offs at {curve.DELAYS[1]:g} s",
        f"mean delay at {curve.RATES[1]:.0%}".replace("%", " %"),
    ]
    cells = [
        [
            _points(curves.rate_beyond_first(number, curve.DELAYS[1])),
            _time(curves.delay_beyond_first(number, curve.RATES[1])),
        ]
        for number in methods[1:]
    ]
    yield from _table(heads, names[1:], cells)
    yield from ("", "With the default settings:", "")
    cells = [[_share(curves.defaults(number)[0]), _time(curves.defaults(number)[1])] for number in methods]
    yield from _table(["false cut-offs", "mean delay"], names, cells)
    yield ""
    lost = max(map(_lost, curves.measured))
    elsewhere = int(max(each.elsewhere.max() for each in curves.measured))
    yield f"Ends never found: {lost}. Closes that belong to no pause that counts, at most: {elsewhere}."


def _table(heads: Sequence[str], names: Sequence[str], cells: Sequence[Sequence[str]]) -> Iterable[str]:
    yield f"| | {' | '.join(heads)} |"
    yield f"| --- |{' ---: |' * len(heads)}"
    for name, row in zip(names, cells, strict=True):
        yield f"| {name} | {' | '.join(row)} |"


def _share(estimate: Estimate) -> str:
    return _cell(estimate, lambda share: f"{100 * share:.1f}", " %")


def _points(estimate: Estimate) -> str:
    return _cell(estimate, lambda share: f"{100 * share:+.1f}", " points")


def _time(estimate: Estimate) -> str:
    return _cell(estimate, lambda seconds: f"{seconds:.2f}", " s")


def _cell(estimate: Estimate, tell: Callable[[float], str], unit: str) -> str:
    if estimate.value is None:
        return "–"
    value = tell(estimate.value) + unit
    if estimate.low is None or estimate.high is None:
        return value
    return f"{value} [{tell(estimate.low)}, {tell(estimate.high)}]"


if __name__ == "__main__":
    sys.exit(main())
