"""State machines as data: states, transitions, and the diagram that is drawn from them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from entrepot.kernel.errors import Refused, WrongState


@dataclass(frozen=True, slots=True)
class Transition:
    """An event takes a subject from one of some states to another."""

    event: str
    sources: tuple[str, ...]
    target: str
    needs_reason: bool = False


@dataclass(frozen=True)
class Machine:
    """The life of one kind of document. Every (state, event) pair is a transition or the refusal `WrongState`."""

    subject: str
    initial: str
    transitions: tuple[Transition, ...]

    @property
    def states(self) -> tuple[str, ...]:
        found = [self.initial]
        for transition in self.transitions:
            found += [*transition.sources, transition.target]
        return tuple(dict.fromkeys(found))

    @property
    def events(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(transition.event for transition in self.transitions))

    def step(self, state: str, event: str) -> str | Refused:
        """The state after the event, or the refusal that names the state found and the states expected."""
        targets = self._targets
        if (state, event) in targets:
            return targets[state, event]
        expected = [transition.sources for transition in self.transitions if transition.event == event]
        if not expected:
            raise LookupError(f"{self.subject} knows no event {event}")
        return WrongState(
            subject=self.subject,
            found=state,
            event=event,
            expected=" or ".join(sum(expected, ())) or "absent",
        )

    @property
    def _targets(self) -> Mapping[tuple[str, str], str]:
        return {(source, t.event): t.target for t in self.transitions for source in t.sources}

    def mermaid(self) -> str:
        """The diagram for the documentation."""
        lines = ["stateDiagram-v2", f"    [*] --> {self.initial}"]
        lines += [f"    {source} --> {t.target}: {t.event}" for t in self.transitions for source in t.sources]
        return "\n".join(lines)


def machine(subject: str, initial: str, *transitions: tuple[Any, ...]) -> Machine:
    """A machine from rows (event, source or sources, target[, needs_reason])."""
    return Machine(subject, initial, tuple(_transition(*row) for row in transitions))


def _transition(
    event: str,
    sources: str | tuple[str, ...],
    target: str,
    needs_reason: bool = False,  # noqa: FBT001  the last column of a row
) -> Transition:
    return Transition(event, (sources,) if isinstance(sources, str) else sources, target, needs_reason)
