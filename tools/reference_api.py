"""Pages of the reference for those who write code: hooks, events, commands, contracts, errors."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from enum import Enum
from pathlib import Path

from definitions import (
    alias_section,
    arguments_of,
    class_section,
    dataclass_section,
    enum_section,
    signature_block,
    signature_of,
)
from docstrings import bullets, described, first_sentence, table

import beluga_voice
import beluga_voice.commands as command_module
import beluga_voice.contracts as contract_package
import beluga_voice.errors as error_module
import beluga_voice.events as event_module
import beluga_voice.testing
from beluga_voice import SayHandle, Sessions, VoiceSession, hookspecs
from beluga_voice.facts import EndFacts, SessionFacts, TurnFacts

SOURCE = Path(hookspecs.__file__).parent


def hooks() -> str:
    """Every hook with its arguments."""
    specs = [each for name, each in vars(hookspecs).items() if hasattr(each, "beluga_voice_spec")]
    rows = [
        [f"[`{spec.__name__}`](#{spec.__name__})", f"`{arguments_of(spec)}`", first_sentence(spec)]
        for spec in specs
    ]
    sections = [f"## {spec.__name__}\n\n{signature_block(spec)}\n\n{described(spec)}" for spec in specs]
    call = hookspecs.Register.__call__
    return "\n\n".join(
        [
            "# Hooks",
            "By a hook a plugin tells what it has, or is told what happens. It implements the hooks that it needs, marked with "
            "`beluga_voice.hookspecs.hookimpl`, with exactly these arguments and no defaults. Hooks are sync. "
            "Those that register do no work; those that observe must not block, and what they raise is blamed on the "
            "plugin. `beluga-voice --trace-hooks COMMAND` shows which hook of which plugin is called, when, and how "
            "long it takes.",
            table(["hook", "arguments", "what for"], rows),
            *sections,
            "## The callback `register`",
            "`RegisterSTT` is `Register[STT]`, and so on: a callback that takes a factory of that contract.",
            f"<!-- not run: a signature -->\n```python\nregister{signature_of(call).replace('self, ', '').replace('P_contra', 'Provider')}\n```",
            described(call),
            "## The facts",
            "What observation hooks are told, from `beluga_voice.facts`.",
            *(dataclass_section(each) for each in (SessionFacts, TurnFacts, EndFacts)),
        ]
    )


def events() -> str:
    """Every event, by family."""
    families = (
        (event_module.Observed, "Observed", "come from outside: the caller, providers, the playout, timers, the "
         "application. The engine decides by them."),
        (event_module.Decided, "Decided", "say what the engine has decided."),
        (event_module.Reported, "Reported", "are told by the session itself, beside the engine."),
    )  # fmt: skip
    page = ["# Events", described(event_module), _watching()]
    for family, title, text in families:
        page += [f"## {title}", f"{title} events {text}"]
        page += [dataclass_section(each) for each in _subclasses(family, event_module)]
    page += ["## Values"] + [enum_section(each) for each in _enums(event_module)]
    return "\n\n".join(page)


def _watching() -> str:
    return (
        "`VoiceSession.events()` streams them, `VoiceSession.on_event` calls back with each. Every event has `at`, the "
        "session's time in seconds."
    )


def commands() -> str:
    """Every command."""
    every = _subclasses(command_module.Command, command_module)
    return "\n\n".join(
        [
            "# Commands",
            described(command_module),
            "`VoiceSession.on_decision` calls back with each observed event and the commands that it led to. Every "
            "command has `rule`, the [turn-taking rule](../topics/turn-taking.md) that made it, and `saw`, the names "
            "and values that it was decided by.",
            *(dataclass_section(each, skip=("rule", "saw")).replace("###", "##", 1) for each in every),
        ]
    )


def contracts() -> str:
    """Every contract, its methods and its data."""
    names = [name for name in contract_package.__all__ if inspect.isclass(getattr(contract_package, name))]
    classes = [getattr(contract_package, name) for name in names]
    contracts_ = [each for each in classes if isinstance(vars(each).get("kind"), str)]
    rows = [[f"[`{each.__name__}`](#{each.__name__.lower()})", f"`{each.kind}`", first_sentence(each)]
            for each in contracts_]  # fmt: skip
    page = [
        "# Contracts",
        "A contract says what a provider must do; it has no implementation. `beluga_voice.testing` has a check for "
        "each: `check_stt`, `check_tts`, `check_vad`, `check_turn_detector`, `check_noise_suppressor`, "
        "`check_classifier`, `check_text_filter`, `check_transport`, `check_agent`.",
        table(["contract", "kind", "what it is"], rows),
    ]
    ordered = [contract_package.Provider]
    for contract in contracts_:
        related = [c for c in classes if c.__module__ == contract.__module__ and c is not contract]
        ordered += [contract, *(c for c in related if c not in ordered)]
    ordered += [each for each in classes if each not in ordered]
    page += [class_section(each) for each in ordered]
    aliases = (("ScoreSink", "vad"),)
    page += [
        f"## {name}\n\n{alias_section(SOURCE / 'contracts' / f'{module}.py', name)}"
        for name, module in aliases
    ]
    return "\n\n".join(page)


def public() -> str:
    """What `beluga_voice` itself exports, but for what has a page of its own."""
    elsewhere = {each.__name__ for each in _descendants(error_module.BelugaVoiceError)}
    elsewhere |= {"ErrorCode", "SessionState", "WhileCallerSpeaks", "TurnPolicy", "SessionConfig", "Turn"}
    page = [
        "# Public names",
        "What `from beluga_voice import ...` gives. `Turn` is in [contracts](contracts.md#turn), `SessionConfig` and "
        "`TurnPolicy` are in [settings](settings.md), `SessionState` and `WhileCallerSpeaks` in "
        "[events](events.md#values), the errors in [errors](errors.md).",
    ]
    for name in beluga_voice.__all__:
        each = getattr(beluga_voice, name)
        if inspect.isclass(each) and name not in elsewhere:
            page.append(class_section(each, constructor=name not in {"SayHandle", "Sessions"}))
        elif inspect.isfunction(each):
            page.append(f"## {name}\n\n{signature_block(each)}\n\n{described(each)}")
    return "\n\n".join(page)


def testing() -> str:
    """What `beluga_voice.testing` has."""
    page = [
        "# Testing",
        "What `from beluga_voice.testing import ...` gives. The pytest plugin comes with beluga-voice: it runs "
        "`async def` tests on virtual time, and those marked `real_time` on real time. A test that leaves a task running "
        "fails.",
    ]
    titles = {"Checks": [], "Fakes": [], "Time": []}  # type: dict[str, list[str]]
    for name in beluga_voice.testing.__all__:
        each = getattr(beluga_voice.testing, name)
        if inspect.ismodule(each):
            entries = {
                n: first_sentence(f) for n, f in vars(each).items() if inspect.isfunction(f) and n[0] != "_"
            }
            page.append(f"## {name}\n\n{described(each)}\n\n{bullets(entries)}")
            continue
        kind = "Checks" if name.startswith("check_") else "Time" if "clock" in each.__module__ else "Fakes"
        titles[kind].append(
            f"### {name}\n\n{signature_block(each.__init__ if inspect.isclass(each) else each, name)}\n\n{described(each)}"
        )
    for title, sections in titles.items():
        page += [f"## {title}", *sections]
    return "\n\n".join(page)


def errors() -> str:
    """Every error and code."""
    _import_all()
    tree = inspect.getdoc(error_module) or ""
    every = _descendants(error_module.BelugaVoiceError)
    raised = _codes_raised()
    rows = [
        [f"`{code}`", ", ".join(f"`{op}`" for op in raised[code.name]),
         "yes" if code.retryable else "no"]
        for code in error_module.ErrorCode
    ]  # fmt: skip
    return "\n\n".join(
        [
            "# Errors",
            "The type says whose fault it is. The text is a sentence with the value, what is allowed, and the remedy; "
            "data is in attributes.",
            f"<!-- not run: a picture -->\n```text\n{tree.partition(chr(10) * 2)[2]}\n```",
            "A vendor's failure within a session is an [event](events.md#providerfailed); a bug inside ends the session "
            "and is raised by `stop()`, `wait_ended()` and the end of `async with`.",
            *(
                f"## {each.__name__}\n\n`{each.__module__}.{each.__name__}`\n\n{described(each)}"
                for each in every
            ),
            "## Codes of SessionError",
            table(["code", "raised by", "retryable"], rows),
        ]
    )


def _codes_raised() -> dict[str, list[str]]:
    """The operations of each code, as their docstrings tell."""
    texts = {
        "create": inspect.getdoc(VoiceSession) or "",
        "wait_for_playout": inspect.getdoc(SayHandle) or "",
    }
    found: dict[str, list[str]] = {}
    for owner in (VoiceSession, Sessions):
        for name, member in vars(owner).items():
            if inspect.isfunction(member) and not name.startswith("_"):
                texts[name] = (inspect.getdoc(member) or "").partition("Raises:")[2]
    texts["wait_for_playout"] += inspect.getdoc(SayHandle.wait_for_playout) or ""
    for code in error_module.ErrorCode:
        found[code.name] = [name for name, text in texts.items() if f"`{code}`" in text]
    return found


def _import_all() -> None:
    """Import what may define errors."""
    for module in pkgutil.walk_packages([str(SOURCE)], "beluga_voice."):
        if not module.name.startswith(("beluga_voice.testing", "beluga_voice.cli", "beluga_voice.__main__")):
            importlib.import_module(module.name)


def _descendants(root: type) -> list[type]:
    found: list[type] = [root]
    subclasses: list[type] = root.__subclasses__()
    for each in subclasses:
        if each.__module__.startswith("beluga_voice."):
            found += [every for every in _descendants(each) if every not in found]
    return found


def _subclasses(family: type, module: object) -> list[type]:
    return [
        c for c in vars(module).values() if inspect.isclass(c) and issubclass(c, family) and c is not family
    ]


def _enums(module: object) -> list[type[Enum]]:
    return [c for c in vars(module).values() if inspect.isclass(c) and issubclass(c, Enum) and c.__module__ == getattr(module, "__name__", "")]  # fmt: skip
