"""The curves as an SVG, legible on light and dark pages, without a library."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from politeness_curve import Curves

WIDTH, HEIGHT = 720, 430
LEFT, RIGHT, TOP, BOTTOM = 70, 20, 20, 55
FIRST, LAST = 0.4, 1.8
"""Seconds of mean delay at the edges."""

_STYLE = """
  .paper { fill: #ffffff } .grid { stroke: #d9dfe4 } .axis { stroke: #35556f; stroke-width: 1.5 }
  text { font: 13px sans-serif; fill: #16242f }
  .line { fill: none; stroke-width: 2.2 } .band { opacity: 0.16; stroke: none }
  .c0 { stroke: #56616b; fill: #56616b } .c1 { stroke: #b45309; fill: #b45309 }
  .c2 { stroke: #1d5fa8; fill: #1d5fa8 } .c3 { stroke: #15803d; fill: #15803d }
  .c4 { stroke: #9d174d; fill: #9d174d } .c5 { stroke: #6d28d9; fill: #6d28d9 }
  .line { fill: none } .band { stroke: none }
  @media (prefers-color-scheme: dark) {
    .paper { fill: #16191d } .grid { stroke: #363d44 } .axis { stroke: #9fb4c7 } text { fill: #e6edf3 }
    .band { opacity: 0.22 }
    .c0 { stroke: #b4bec6; fill: #b4bec6 } .c1 { stroke: #f0a35e; fill: #f0a35e }
    .c2 { stroke: #6cb0f5; fill: #6cb0f5 } .c3 { stroke: #5fd08a; fill: #5fd08a }
    .c4 { stroke: #f47fb0; fill: #f47fb0 } .c5 { stroke: #b79cf7; fill: #b79cf7 }
    .line { fill: none } .band { stroke: none }
  }
"""
_DASHES = ("", "7 4", "", "7 4", "2 3", "2 3")
"""Of the lines, so that they can be told apart without colours."""


def picture(curves: Curves) -> str:
    """Draw false cut-offs against mean delay: a line for each method, its interval, and its defaults."""
    names = [each.name for each in curves.measured]
    title = "False cut-offs against mean endpoint delay: " + ", ".join(names)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
            f"<title>{escape(title)}</title>",
            f"<style>{_STYLE}</style>",
            f'<rect class="paper" width="{WIDTH}" height="{HEIGHT}"/>',
            *_axes(),
            *(part for method in range(len(names)) for part in _curve(curves, method)),
            *_legend(names),
            "</svg>\n",
        ]
    )


def _x(delay: float) -> float:
    return LEFT + (delay - FIRST) / (LAST - FIRST) * (WIDTH - LEFT - RIGHT)


def _y(rate: float) -> float:
    return TOP + (1 - rate) * (HEIGHT - TOP - BOTTOM)


def _axes() -> Iterable[str]:
    for tick in range(round((LAST - FIRST) / 0.2) + 1):
        delay = FIRST + 0.2 * tick
        yield f'<path class="grid" d="M{_x(delay):.1f},{TOP} V{HEIGHT - BOTTOM}"/>'
        yield f'<text x="{_x(delay):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{delay:.1f}</text>'
    for tick in range(6):
        yield f'<path class="grid" d="M{LEFT},{_y(tick / 5):.1f} H{WIDTH - RIGHT}"/>'
        yield f'<text x="{LEFT - 8}" y="{_y(tick / 5) + 4:.1f}" text-anchor="end">{20 * tick} %</text>'
    yield f'<path class="axis" fill="none" d="M{LEFT},{TOP} V{HEIGHT - BOTTOM} H{WIDTH - RIGHT}"/>'
    middle = (LEFT + WIDTH - RIGHT) / 2
    yield (
        f'<text x="{middle}" y="{HEIGHT - 14}" text-anchor="middle">mean delay after a turn\'s end, seconds</text>'
    )
    yield (
        f'<text x="16" y="{(TOP + HEIGHT - BOTTOM) / 2}" text-anchor="middle" '
        f'transform="rotate(-90 16 {(TOP + HEIGHT - BOTTOM) / 2})">pauses within a turn taken for its end</text>'
    )


def _curve(curves: Curves, method: int) -> Iterable[str]:
    colour = f"c{method % len(_DASHES)}"
    dash = f' stroke-dasharray="{_DASHES[method % len(_DASHES)]}"' if _DASHES[method % len(_DASHES)] else ""
    points = curves.band(method, (FIRST + 0.02 * place for place in range(round((LAST - FIRST) / 0.02) + 1)))
    upper = [(delay, each.high or 0.0) for delay, each in points]
    lower = [(delay, each.low or 0.0) for delay, each in reversed(points)]
    yield f'<polygon class="band {colour}" points="{_points([*upper, *lower])}"/>'
    middle = [(delay, each.value or 0.0) for delay, each in points]
    yield f'<polyline class="line {colour}"{dash} points="{_points(middle)}"/>'
    rate, delay = curves.defaults(method)
    if rate.value is not None and delay.value is not None and FIRST <= delay.value <= LAST:
        x, y = _x(delay.value), _y(rate.value)
        yield f'<circle class="{colour}" cx="{x:.1f}" cy="{y:.1f}" r="4.5"/>'


def _points(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{_x(delay):.1f},{_y(rate):.1f}" for delay, rate in points)


def _legend(names: Sequence[str]) -> Iterable[str]:
    x = WIDTH - RIGHT - 235
    for place, name in enumerate(names):
        y = TOP + 18 + 20 * place
        dash = _DASHES[place % len(_DASHES)]
        dashed = f' stroke-dasharray="{dash}"' if dash else ""
        yield f'<path class="line c{place % len(_DASHES)}"{dashed} d="M{x},{y} h34"/>'
        yield f'<text x="{x + 42}" y="{y + 4}">{escape(name)}</text>'
    y = TOP + 18 + 20 * len(names)
    yield f'<circle class="c0" cx="{x + 17}" cy="{y}" r="4.5"/>'
    yield f'<text x="{x + 42}" y="{y + 4}">with the default settings</text>'
