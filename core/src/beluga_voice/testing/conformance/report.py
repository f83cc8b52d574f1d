"""What checks have found: promises kept and broken, the level that follows, a badge and a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import StrEnum


class Level(StrEnum):
    """How much of a provider is proven; each level takes those before it along."""

    BRONZE = "bronze"
    """It keeps its contract."""

    SILVER = "silver"
    """It keeps it when callers, listeners and vendors misbehave."""

    GOLD = "gold"
    """Its latency is measured, and a soak leaves nothing behind."""

    @property
    def rank(self) -> int:
        """0 for bronze, and up."""
        return list(Level).index(self)


@dataclass(frozen=True, slots=True)
class Finding:
    """What was seen of one promise.

    Attributes:
        provider: the class that was checked.
        where: where the promise is written, as in ``beluga_voice.contracts.stt.STTStream.send``.
        says: the promise.
        level: that it belongs to.
        seen: what broke it; None if it was kept.
    """

    provider: str
    where: str
    says: str
    level: Level
    seen: str | None = None

    def __str__(self) -> str:
        sentence = (
            f"{self.provider} breaks a promise of {self.where}: {self.says}; {self.seen or 'it is kept'}"
        )
        return " ".join(sentence.split())


@dataclass(frozen=True, slots=True)
class Measure:
    """A latency as it was measured.

    Attributes:
        what: was measured.
        rounds: how often.
        median: seconds.
        p95: seconds that 95 of 100 rounds kept to.
        limit: seconds that are allowed.
    """

    what: str
    rounds: int
    median: float
    p95: float
    limit: float

    def __str__(self) -> str:
        return (
            f"{self.what}: median {self.median * 1000:.1f} ms, 95 of 100 within {self.p95 * 1000:.1f} ms "
            f"({self.rounds} rounds; {self.limit * 1000:g} ms allowed)"
        )


@dataclass(slots=True)
class Report:
    """All findings of one or more checks, in their order, and what was measured."""

    findings: list[Finding] = field(default_factory=list)
    measures: list[Measure] = field(default_factory=list)

    @property
    def broken(self) -> list[Finding]:
        """The promises that were broken."""
        return [each for each in self.findings if each.seen is not None]

    @property
    def level(self) -> Level | None:
        """The highest level of which promises were checked, all of them and of those below kept; None for none."""
        reached = None
        for level in Level:
            of_level = [each for each in self.findings if each.level is level]
            if not of_level or any(each.seen is not None for each in of_level):
                break
            reached = level
        return reached

    def badge(self) -> str:
        """Return one line for a README: the level, and how many promises it stands on."""
        kept = len(self.findings) - len(self.broken)
        return (
            f"beluga-voice conformance: {self.level or 'none'} ({kept} of {len(self.findings)} promises kept)"
        )

    def table(self) -> str:
        """Return a row for each promise, in Markdown."""
        rows = [
            f"| {each.level} | `{short(each.where)}` | {each.says} | {_mark(each)} |"
            for each in self.findings
        ]
        return "\n".join(["| level | where | promise | kept |", "| --- | --- | --- | --- |", *rows])


_collecting: ContextVar[Report | None] = ContextVar("beluga_voice_conformance_report", default=None)
_level: ContextVar[Level] = ContextVar("beluga_voice_conformance_level", default=Level.SILVER)


@contextmanager
def collect() -> Iterator[Report]:
    """Let checks note each promise in a report, and go on where one is broken instead of raising.

    with collect() as report:
        await check_tts(MorseTTS, text="what hath god wrought")
    print(report.badge())
    """
    report = Report()
    token = _collecting.set(report)
    try:
        yield report
    finally:
        _collecting.reset(token)


@contextmanager
def up_to(level: Level) -> Iterator[None]:
    """Let checks hold promises up to `level` only; without this, up to silver."""
    token = _level.set(level)
    try:
        yield
    finally:
        _level.reset(token)


def wanted(level: Level) -> bool:
    """Whether promises of `level` are to be held."""
    return level.rank <= _level.get().rank


def note(finding: Finding, cause: Exception | None = None) -> None:
    """Note a finding where they are collected, else raise one that tells of a broken promise.

    Raises:
        AssertionError: the promise is broken and nobody collects.
    """
    report = _collecting.get()
    if report is not None:
        report.findings.append(finding)
    elif finding.seen is not None:
        raise AssertionError(str(finding)) from cause


def measured(measure: Measure) -> None:
    """Keep a latency where findings are collected."""
    report = _collecting.get()
    if report is not None:
        report.measures.append(measure)


def short(where: str) -> str:
    """Leave out of `where` what stands before the contract's name."""
    return where.removeprefix("beluga_voice.contracts.").partition(".")[2] or where


def summary(reports: Sequence[tuple[str, Report]]) -> str:
    """Return a row for each provider: its level, and how many promises of each level it keeps, in Markdown."""
    rows = []
    for name, report in reports:
        cells = []
        for level in Level:
            of_level = [each for each in report.findings if each.level is level]
            kept = sum(each.seen is None for each in of_level)
            cells.append(f"{kept} of {len(of_level)}" if of_level else "")
        rows.append(f"| {name} | {report.level or 'none'} | {' | '.join(cells)} |")
    head = " | ".join(Level)
    return "\n".join([f"| provider | level | {head} |", "| --- | --- | --- | --- | --- |", *rows])


def _mark(finding: Finding) -> str:
    return "yes" if finding.seen is None else f"no: {' '.join(finding.seen.split())}"
