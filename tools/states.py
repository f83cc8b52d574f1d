"""The session states and their transitions, drawn from `beluga_voice.turns.TRANSITIONS`."""

from __future__ import annotations

import math

from beluga_voice.events import SessionState
from beluga_voice.turns import TRANSITIONS

WIDTH, HEIGHT = 720, 430
BOX_WIDTH, BOX_HEIGHT = 112, 40
BEND = 26
"""How far an arrow bows out, so that two opposite ones are apart."""

PLACES = {
    SessionState.INITIAL: (90, 215),
    SessionState.LISTENING: (290, 215),
    SessionState.PROCESSING: (420, 60),
    SessionState.SPEAKING: (600, 215),
    SessionState.AWAY: (120, 370),
    SessionState.ENDED: (420, 370),
}

STYLE = """
  .state { fill: #eef3f8; stroke: #35556f; stroke-width: 1.5 }
  .name { font: 15px sans-serif; text-anchor: middle; dominant-baseline: central; fill: #16242f }
  .arrow { fill: none; stroke: #35556f; stroke-width: 1.4; marker-end: url(#head) }
  .end { stroke: #b4bec6; stroke-dasharray: 4 3 }
"""


def states_svg() -> str:
    """A picture of the states: an arrow for each transition; those that end the session are dashed."""
    arrows = [_arrow(old, new) for old, after in TRANSITIONS.items() for new in sorted(after)]
    boxes = [_box(state) for state in TRANSITIONS]
    title = "Session states: " + "; ".join(
        f"from {old} to {', '.join(sorted(after))}" for old, after in TRANSITIONS.items()
    )
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        f"<title>{title}</title>",
        f"<style>{STYLE}</style>",
        '<marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto">',
        '<path d="M0,0 L10,5 L0,10 z" fill="#35556f"/></marker>',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        *arrows,
        *boxes,
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _box(state: SessionState) -> str:
    x, y = PLACES[state]
    left, top = x - BOX_WIDTH / 2, y - BOX_HEIGHT / 2
    return (
        f'<rect class="state" x="{left:g}" y="{top:g}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="8"/>'
        f'<text class="name" x="{x}" y="{y}">{state}</text>'
    )


def _arrow(old: SessionState, new: SessionState) -> str:
    """A curve from the edge of one box to the edge of the other, bowed to its left."""
    (x1, y1), (x2, y2) = PLACES[old], PLACES[new]
    length = math.hypot(x2 - x1, y2 - y1)
    middle_x = (x1 + x2) / 2 + (y2 - y1) / length * BEND
    middle_y = (y1 + y2) / 2 - (x2 - x1) / length * BEND
    start, stop = _edge(x1, y1, middle_x, middle_y), _edge(x2, y2, middle_x, middle_y)
    style = "arrow end" if new is SessionState.ENDED else "arrow"
    return (
        f'<path class="{style}" data-from="{old}" data-to="{new}" d="M{start[0]:.1f},{start[1]:.1f} '
        f'Q{middle_x:.1f},{middle_y:.1f} {stop[0]:.1f},{stop[1]:.1f}"/>'
    )


def _edge(x: float, y: float, towards_x: float, towards_y: float) -> tuple[float, float]:
    """Where a line from the middle of a box leaves it."""
    across, down = towards_x - x, towards_y - y
    scale = min(
        (BOX_WIDTH / 2 + 3) / abs(across) if across else math.inf,
        (BOX_HEIGHT / 2 + 3) / abs(down) if down else math.inf,
    )
    return x + across * scale, y + down * scale
