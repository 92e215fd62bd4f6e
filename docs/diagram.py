"""State diagrams as SVG, drawn from the lines of a Mermaid `stateDiagram-v2`, so that a page needs no script."""

from __future__ import annotations

import html
import re

LETTER, BOX, GAP_LEAST, STEP, MARGIN = 7.2, 34, 56, 30, 16
ARROW = (
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    '<path d="M0 0 8 4 0 8z"/></marker></defs>'
)


def of_text(text: str) -> str:
    """The drawing, or '' where the text is another kind of diagram. States stand in a row, in the order they occur;
    what goes on passes above, what goes back below."""
    if not text.strip().startswith("stateDiagram"):
        return ""
    found = re.findall(r"^\s*(\[\*\]|[\w -]+?) --> ([\w -]+?)(?:: (.+))?$", text, re.MULTILINE)
    edges: dict[tuple[str, str], list[str]] = {}
    states: list[str] = []
    for source, target, event in found:
        for state in (source, target):
            if state != "[*]" and state not in states:
                states.append(state)
        if source != "[*]":
            edges.setdefault((source, target), []).append(event)
    return _drawn(states, edges) if states else ""


def _drawn(states: list[str], edges: dict[tuple[str, str], list[str]]) -> str:
    place = {state: i for i, state in enumerate(states)}
    width = [len(state) * LETTER + 22 for state in states]
    left = [MARGIN + 22.0]
    for i in range(1, len(states)):
        events = edges.get((states[i - 1], states[i]), [])
        label = max((len(event) for event in events), default=0) * LETTER + 24
        left.append(left[-1] + width[i - 1] + max(GAP_LEAST, label))
    above = max((_span(place, edge) for edge in edges if _span(place, edge) > 1), default=0)
    below = max((-_span(place, edge) for edge in edges if _span(place, edge) < 0), default=0)
    loops = any(source == target for source, target in edges)
    top = MARGIN + max(above * STEP, 18)
    height = top + BOX + max(below, loops) * STEP + MARGIN + (14 if below or loops else 0)
    total = left[-1] + width[-1] + MARGIN + 10
    parts = [ARROW, f'<circle cx="{MARGIN}" cy="{top + BOX / 2:.0f}" r="5" class="start"/>']
    parts.append(_line(MARGIN + 5, left[0], top + BOX / 2))
    parts += [_edge(place, left, width, top, edge, events) for edge, events in edges.items()]
    for i, state in enumerate(states):
        box = f'x="{left[i]:.0f}" y="{top:.0f}" width="{width[i]:.0f}" height="{BOX}"'
        parts.append(f'<rect {box} rx="8"/>')
        parts.append(_text(left[i] + width[i] / 2, top + BOX / 2 + 5, state, "state"))
    said = "; ".join(
        f"{source} to {target} by {', '.join(events)}" for (source, target), events in edges.items()
    )
    return (
        f'<svg role="img" aria-label="{html.escape(said)}" viewBox="0 0 {total:.0f} {height:.0f}"'
        f' width="{total:.0f}" height="{height:.0f}">{"".join(parts)}</svg>'
    )


def _span(place: dict[str, int], edge: tuple[str, str]) -> int:
    return place[edge[1]] - place[edge[0]]


def _line(start: float, end: float, y: float) -> str:
    return f'<path d="M{start:.0f} {y:.0f}H{end - 2:.0f}" class="edge"/>'


def _edge(
    place: dict[str, int],
    left: list[float],
    width: list[float],
    top: float,
    edge: tuple[str, str],
    events: list[str],
) -> str:
    source, target = place[edge[0]], place[edge[1]]
    span, label = target - source, ", ".join(events)
    if span == 1:
        start, end, y = left[source] + width[source], left[target], top + BOX / 2
        stacked = "".join(
            _text((start + end) / 2, y - 6 - 14 * (len(events) - 1 - i), event)
            for i, event in enumerate(events)
        )
        return _line(start, end, y) + stacked
    middle = left[source] + width[source] / 2
    if span == 0:
        floor, fall = top + BOX, top + BOX + STEP * 1.1
        return (
            f'<path d="M{middle - 12:.0f} {floor:.0f}C{middle - 22:.0f} {fall:.0f} {middle + 22:.0f} {fall:.0f}'
            f' {middle + 12:.0f} {floor + 2:.0f}" class="edge"/>' + _text(middle, fall + 6, label)
        )
    edge_y, sign = (top, -1) if span > 0 else (top + BOX, 1)
    turn = edge_y + sign * (abs(span) * STEP - (8 if span > 0 else 0))
    start, end = middle + (8 if span > 0 else -8), left[target] + width[target] / 2 - (8 if span > 0 else -8)
    label_y = edge_y + (turn - edge_y) * 0.75 + (-4 if span > 0 else 12)
    curve = f"C{start:.0f} {turn:.0f} {end:.0f} {turn:.0f} {end:.0f} {edge_y + sign * 2:.0f}"
    return f'<path d="M{start:.0f} {edge_y:.0f}{curve}" class="edge"/>' + _text(
        (start + end) / 2, label_y, label
    )


def _text(x: float, y: float, text: str, kind: str = "event") -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" class="{kind}">{html.escape(text)}</text>'
