"""Discovery, loading and the registry of providers, on real distributions written into a folder."""

from __future__ import annotations

import inspect
import subprocess
import sys
from textwrap import dedent
from typing import TYPE_CHECKING, Protocol

import pytest
from pydantic import BaseModel

from beluga_voice import hookspecs
from beluga_voice.contracts import STT, VAD
from beluga_voice.errors import ConfigurationError, ContractError, PluginError, UnknownProviderError
from beluga_voice.hookspecs import hookimpl
from beluga_voice.plugins import Origin, Plugins, Problem, ProblemKind
from beluga_voice.plugins.origin import is_left_out, unmet_requirements
from beluga_voice.plugins.providers import Registration, contract

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Install(Protocol):
    def __call__(
        self, name: str, code: str, *, version: str = ..., requires: tuple[str, ...] = ..., plugin: str = ...
    ) -> str: ...


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Write a distribution with one plugin into a folder on `sys.path`, as pip would."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delenv("BELUGA_VOICE_PLUGINS", raising=False)
    monkeypatch.delenv("BELUGA_VOICE_DISABLED_PLUGINS", raising=False)
    modules = set(sys.modules)

    def write(
        name: str,
        code: str,
        *,
        version: str = "1.2.3",
        requires: tuple[str, ...] = ("beluga-voice>=0.1",),
        plugin: str = "",
    ) -> str:
        module = name.replace("-", "_")
        head = "from beluga_voice.hookspecs import hookimpl\n"
        (tmp_path / f"{module}.py").write_text(head + dedent(code))
        info = tmp_path / f"{module}-{version}.dist-info"
        info.mkdir()
        lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
        (info / "METADATA").write_text("\n".join([*lines, *(f"Requires-Dist: {each}" for each in requires)]))
        entry = f"{plugin or name.rpartition('-')[2]} = {module}\n"
        (info / "entry_points.txt").write_text(f"[beluga_voice]\n{entry}")
        monkeypatch.syspath_prepend(str(tmp_path))  # forgets what importlib remembers of the folder
        return module

    yield write
    for module in set(sys.modules) - modules:
        if (getattr(sys.modules[module], "__file__", None) or "").startswith(str(tmp_path)):
            del sys.modules[module]


PARROT = """
    from beluga_voice.contracts import STT

    class ParrotSTT(STT):
        async def open_stream(self):
            raise NotImplementedError

    @hookimpl
    def register_stt(register):
        register("parrot", ParrotSTT)
"""

MISSING_SDK = "import beluga_sdk_that_is_not_installed"

MISSPELT = """
    @hookimpl
    def register_sst(register):
        register("misspelt", "nowhere:Nothing")
"""

RAISING = """
    @hookimpl
    def register_stt(register):
        register("half", "nowhere:Nothing")

    @hookimpl
    def register_vad(register):
        raise RuntimeError("boom")
"""


def problem_of(plugins: Plugins, name: str) -> Problem:
    (problem,) = (each for each in plugins.problems if each.plugin.name == name)
    return problem


def test_loads_a_plugin_from_its_entry_point(install: Install) -> None:
    install("beluga-voice-parrot", PARROT)
    plugins = Plugins.discover()
    (parrot,) = (each for each in plugins.loaded if each.origin.name == "parrot")
    assert parrot.origin == Origin("parrot", "beluga-voice-parrot", "1.2.3")
    assert parrot.hooks == ("register_stt",)
    assert parrot.providers == {"stt": ("parrot",)}
    assert isinstance(plugins.stt.create("parrot"), STT)
    assert isinstance(plugins.create("stt", "parrot"), STT)


def test_five_broken_plugins_at_once_break_nothing_and_each_is_blamed_by_name(install: Install) -> None:
    install("beluga-voice-sdkless", MISSING_SDK)
    install("beluga-voice-old", "raise SystemExit('imported')", requires=("beluga-voice<0.1",))
    install("beluga-voice-misspelt", MISSPELT)
    install("beluga-voice-raising", RAISING)
    install("beluga-voice-parrot", PARROT)
    install("acme-parrot-too", PARROT, plugin="imitator")
    install("beluga-voice-healthy", PARROT.replace('"parrot"', '"healthy"'))
    plugins = Plugins.discover()
    written = [each for each in plugins.problems if each.plugin.version == "1.2.3"]
    assert {each.plugin.name: each.kind for each in written} == {
        "sdkless": ProblemKind.MISSING_DEPENDENCY,
        "old": ProblemKind.INCOMPATIBLE,
        "misspelt": ProblemKind.MISSPELT_HOOK,
        "raising": ProblemKind.HOOK_RAISED,
        "parrot": ProblemKind.COLLISION,
        "imitator": ProblemKind.COLLISION,
    }
    assert all(each.plugin.distribution in each.text for each in written)  # type: ignore[operator]
    assert isinstance(plugins.stt.create("healthy"), STT)
    assert not {"parrot", "half", "misspelt"} & set(plugins.stt.names())


def test_trap_1_an_import_error_does_not_abort_the_discovery_of_others(install: Install) -> None:
    install("beluga-voice-aaa", MISSING_SDK)
    install("beluga-voice-parrot", PARROT)
    install("beluga-voice-zzz", "1 / 0")
    plugins = Plugins.discover()
    assert "parrot" in plugins.stt
    assert "No module named 'beluga_sdk_that_is_not_installed'" in problem_of(plugins, "aaa").text
    failed = problem_of(plugins, "zzz")
    assert failed.kind is ProblemKind.FAILED
    assert "ZeroDivisionError: division by zero" in failed.text


def test_trap_1_an_incompatible_plugin_is_not_even_imported(install: Install) -> None:
    module = install("beluga-voice-future", PARROT, requires=("beluga-voice>=99",))
    problem = problem_of(Plugins.discover(), "future")
    assert module not in sys.modules
    assert problem.text.startswith("plugin beluga-voice-future 1.2.3 is installed but needs beluga-voice>=99")
    assert problem.remedy == "pip install --upgrade beluga-voice beluga-voice-future"


def test_trap_1_only_requirements_of_this_environment_count(install: Install) -> None:
    install(
        "beluga-voice-parrot",
        PARROT,
        requires=('beluga-voice>=99; extra == "x"', "Beluga_Voice>=0.1", 'beluga-voice>9; os_name == "x"'),
    )
    assert "parrot" in Plugins.discover().stt


def test_trap_1_metadata_that_cannot_be_read_is_a_problem_of_its_plugin(install: Install) -> None:
    module = install("beluga-voice-garbled", PARROT, requires=("beluga-voice >>> what",))
    assert problem_of(Plugins.discover(), "garbled").kind is ProblemKind.FAILED
    assert module not in sys.modules


def test_trap_1_a_plugin_that_exits_when_imported_is_a_problem(install: Install) -> None:
    install("beluga-voice-quitter", "raise SystemExit(3)")
    assert problem_of(Plugins.discover(), "quitter").kind is ProblemKind.FAILED


@pytest.mark.parametrize("names", ["parrot", " other , beluga-voice-parrot", "beluga_voice_parrot,"])
def test_trap_1_disabled_plugins_are_not_imported(
    install: Install, monkeypatch: pytest.MonkeyPatch, names: str
) -> None:
    module = install("beluga-voice-parrot", PARROT)
    monkeypatch.setenv("BELUGA_VOICE_DISABLED_PLUGINS", names)
    plugins = Plugins.discover()
    assert module not in sys.modules
    assert "parrot" not in plugins.stt


def test_trap_1_who_asks_for_what_is_disabled_is_told(install: Install) -> None:
    install("beluga-voice-parrot", PARROT)
    with pytest.raises(UnknownProviderError, match=r"disabled. Try: removing it from BELUGA_VOICE_DISABLED"):
        Plugins.discover(disabled=["parrot"]).stt.create("parrot")


def test_trap_1_a_problem_is_raised_only_when_that_plugin_is_asked_for(install: Install) -> None:
    install("beluga-voice-stranger", MISSING_SDK, requires=("beluga-voice", "beluga-sdk"))
    install("beluga-voice-parrot", PARROT)
    plugins = Plugins.discover()
    plugins.stt.create("parrot")
    with pytest.raises(UnknownProviderError) as caught:
        plugins.stt.create("stranger")
    installed = ", ".join(plugins.stt.names())
    assert str(caught.value) == (
        f"no STT provider named 'stranger'; installed: {installed}. "
        "Plugin beluga-voice-stranger 1.2.3 is installed but failed to import: "
        "No module named 'beluga_sdk_that_is_not_installed'. Try: pip install beluga-voice-stranger"
    )
    assert caught.value.installed == plugins.stt.names()


@pytest.mark.parametrize("first", ["beluga-voice-parrot", "acme-parrot"])
def test_trap_2_a_collision_names_both_owners_and_no_order_decides(install: Install, first: str) -> None:
    second = {"beluga-voice-parrot": "acme-parrot", "acme-parrot": "beluga-voice-parrot"}[first]
    install(first, PARROT, plugin="one")
    install(second, PARROT, plugin="two")
    plugins = Plugins.discover()
    with pytest.raises(PluginError) as caught:
        plugins.stt.create("parrot")
    assert not isinstance(caught.value, UnknownProviderError)
    assert str(caught.value).startswith(
        "STT provider 'parrot' is registered by acme-parrot 1.2.3 and beluga-voice-parrot 1.2.3"
    )
    assert "BELUGA_VOICE_DISABLED_PLUGINS=one" in str(caught.value)
    assert "BELUGA_VOICE_DISABLED_PLUGINS=two" in str(caught.value)


def test_trap_2_a_collision_ends_when_one_owner_is_disabled(install: Install) -> None:
    install("beluga-voice-parrot", PARROT)
    install("acme-parrot", PARROT, plugin="acme")
    plugins = Plugins.discover(disabled=["acme"])
    assert plugins.stt.find("parrot").plugin.distribution == "beluga-voice-parrot"


def test_trap_2_two_plugins_of_one_name_are_both_left_out(install: Install) -> None:
    first = install("beluga-voice-parrot", PARROT)
    second = install("acme-parrot", PARROT)
    plugins = Plugins.discover()
    assert not {first, second} & set(sys.modules)
    blamed = [each for each in plugins.problems if each.kind is ProblemKind.COLLISION]
    assert {each.plugin.distribution for each in blamed} == {"beluga-voice-parrot", "acme-parrot"}


def test_trap_3_no_hook_is_firstresult_or_async() -> None:
    hooks = {name: hook for name, hook in vars(hookspecs).items() if hasattr(hook, "beluga_voice_spec")}
    assert {f"register_{kind}" for kind in Plugins().kinds} < set(hooks)
    for hook in hooks.values():
        assert not hook.beluga_voice_spec["firstresult"]
        assert not inspect.iscoroutinefunction(hook)


def test_trap_3_an_async_hook_is_refused(install: Install) -> None:
    install("beluga-voice-async", PARROT.replace("def register_stt", "async def register_stt"))
    problem = problem_of(Plugins.discover(), "async")
    assert problem.kind is ProblemKind.INVALID_HOOK
    assert "register_stt is async" in problem.text


def test_trap_4_a_misspelt_hook_is_blamed_on_its_plugin(install: Install) -> None:
    install("beluga-voice-misspelt", MISSPELT)
    install("beluga-voice-parrot", PARROT)
    plugins = Plugins.discover()
    problem = problem_of(plugins, "misspelt")
    assert "implements a hook 'register_sst' that does not exist; did you mean 'register_stt'" in problem.text
    assert "misspelt" not in [each.origin.name for each in plugins.loaded]
    assert "parrot" in plugins.stt


def test_trap_5_a_default_in_a_hook_is_refused(install: Install) -> None:
    install("beluga-voice-default", PARROT.replace("(register):", "(register=None):"))
    problem = problem_of(Plugins.discover(), "default")
    assert problem.kind is ProblemKind.INVALID_HOOK
    assert "default for its parameter 'register'" in problem.text


def test_trap_5_an_unknown_parameter_of_a_hook_is_refused(install: Install) -> None:
    install("beluga-voice-param", PARROT.replace("(register):", "(register, loop):"))
    problem = problem_of(Plugins.discover(), "param")
    assert problem.kind is ProblemKind.INVALID_HOOK
    assert "loop" in problem.text


def test_trap_6_a_raising_hook_stops_no_other_plugin_and_leaves_nothing(install: Install) -> None:
    install("beluga-voice-raising", RAISING)
    install("beluga-voice-parrot", PARROT)
    plugins = Plugins.discover()
    problem = problem_of(plugins, "raising")
    assert problem.text == "hook register_vad of plugin beluga-voice-raising 1.2.3 raised: RuntimeError: boom"
    assert "half" not in plugins.stt
    assert "parrot" in plugins.stt


def test_trap_7_two_registries_share_nothing(install: Install) -> None:
    install("beluga-voice-parrot", PARROT)
    full, empty = Plugins.discover(), Plugins()
    assert "parrot" in full.stt
    assert empty.loaded == ()
    assert empty.stt.names() == ()
    assert "parrot" in Plugins.discover().stt


class Echo(BaseModel, frozen=True, extra="forbid"):
    gain: float = 1.0


class EchoVAD(VAD):
    def __init__(self, settings: Echo) -> None:
        self.settings = settings

    def open_stream(self, sink: object) -> object:  # type: ignore[override]
        raise NotImplementedError


class EchoPlugin:
    @hookimpl
    def register_vad(self, register: hookspecs.Register[VAD]) -> None:
        register("echo", EchoVAD, settings=Echo)


class WrongKind:
    @hookimpl
    def register_stt(self, register: hookspecs.Register[object]) -> None:
        register("wrong", EchoVAD, settings=Echo)
        register("absent", "beluga_sdk_not_there.stt:SDK")
        register("nameless", "beluga_voice.errors:NoSuchThing")


def test_a_provider_gets_its_settings_or_its_defaults() -> None:
    plugins = Plugins()
    plugins.register(EchoPlugin(), "echo")
    made = plugins.vad.create("echo", Echo(gain=2))
    assert isinstance(made, EchoVAD)
    assert made.settings.gain == 2
    assert plugins.vad.create("echo").settings == Echo()  # type: ignore[attr-defined]
    assert plugins.vad.settings_model("echo") is Echo


def test_settings_of_another_model_are_refused() -> None:
    plugins = Plugins()
    plugins.register(EchoPlugin(), "echo")

    class Other(BaseModel):
        pass

    with pytest.raises(ConfigurationError, match="takes settings of type Echo, not Other"):
        plugins.vad.create("echo", Other())


def test_a_factory_that_cannot_be_imported_names_plugin_module_and_remedy() -> None:
    plugins = Plugins()
    plugins.register(WrongKind(), "wrong")
    with pytest.raises(PluginError, match=r"'absent' cannot be used: plugin wrong .*'beluga_sdk_not_there'"):
        plugins.stt.create("absent")
    with pytest.raises(PluginError, match=r"AttributeError: .*NoSuchThing"):
        plugins.stt.create("nameless")


def test_the_extra_is_the_remedy_where_there_is_one() -> None:
    origin = Origin("silero", "beluga-voice-silero", "1")
    assert origin.remedy_for_missing("onnxruntime") == 'pip install "beluga-voice[silero]"'


def test_a_requirement_that_is_left_out_on_this_python_is_not_to_be_installed(install: Install) -> None:
    install(
        "beluga-voice-sdkless",
        MISSING_SDK,
        requires=(
            "beluga-voice>=0.1",
            "Beluga_SDK.that.is-not_installed>=5; python_version < '3'",
            "beluga-sdk-that-is-not-installed<5; python_version < '2'",
        ),
    )
    problem = problem_of(Plugins.discover(), "sdkless")
    assert problem.kind is ProblemKind.MISSING_DEPENDENCY
    assert problem.remedy == (
        "another Python version or machine: on this one beluga-voice-sdkless goes without "
        "beluga_sdk_that_is_not_installed"
    )


def test_a_requirement_for_this_python_is_to_be_installed(install: Install) -> None:
    requires = ("beluga-sdk-that-is-not-installed; python_version >= '3'", "other; python_version < '3'")
    install("beluga-voice-sdkless", MISSING_SDK, requires=requires)
    assert problem_of(Plugins.discover(), "sdkless").remedy == "pip install beluga-voice-sdkless"


def test_a_factory_that_makes_something_else_breaks_the_contract() -> None:
    plugins = Plugins()
    plugins.register(WrongKind(), "wrong")
    with pytest.raises(ContractError, match="registered 'wrong' as STT, but its factory made a EchoVAD"):
        plugins.stt.create("wrong")


def test_an_unknown_name_lists_what_there_is_and_the_nearest() -> None:
    plugins = Plugins()
    plugins.register(EchoPlugin(), "echo")
    with pytest.raises(UnknownProviderError, match=r"named 'ecco'; installed: echo\. Did you mean 'echo'\?"):
        plugins.vad.create("ecco")
    with pytest.raises(UnknownProviderError, match=r'echo\. Try: pip install "beluga-voice\[local\]"$'):
        plugins.vad.create("local")
    with pytest.raises(PluginError, match="no kind of provider named 'ears'; there are: agent,"):
        plugins.of("ears")


@pytest.mark.parametrize("kind", Plugins().kinds)
def test_each_kind_has_a_hook_and_a_contract(kind: str) -> None:
    assert hasattr(hookspecs, f"register_{kind}")
    assert contract(kind).kind == kind  # type: ignore[attr-defined]
    assert Plugins().of(kind) is not Plugins().of(kind)


@pytest.mark.parametrize("name", ["Echo", "none", "a:b", "", "-x"])
def test_a_name_that_settings_could_not_write_is_refused(name: str) -> None:
    class Named:
        @hookimpl
        def register_vad(self, register: hookspecs.Register[VAD]) -> None:
            register(name, EchoVAD)

    with pytest.raises(PluginError, match="cannot be named"):
        Plugins().register(Named(), "named")


def test_a_module_that_is_not_packaged_is_loaded_by_the_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, install: Install
) -> None:
    (tmp_path / "my_module.py").write_text("from beluga_voice.hookspecs import hookimpl\n" + dedent(PARROT))
    monkeypatch.setenv("BELUGA_VOICE_PLUGINS", "my_module, not_there")
    plugins = Plugins.discover()
    assert str(plugins.stt.find("parrot").plugin) == "my_module (not packaged)"
    assert problem_of(plugins, "not_there").kind is ProblemKind.MISSING_DEPENDENCY


def test_a_plugin_named_twice_is_loaded_once(install: Install) -> None:
    module = install("beluga-voice-parrot", PARROT)
    plugins = Plugins.discover(modules=[module, module])
    assert not [each for each in plugins.problems if each.plugin.name in {"parrot", module}]
    assert "parrot" in plugins.stt


def test_a_failing_command_hook_is_reported_and_the_others_add_theirs(install: Install) -> None:
    import click

    install("beluga-voice-cmdless", "@hookimpl\ndef register_commands(group):\n    raise KeyError('x')\n")
    code = """
        import click

        @hookimpl
        def register_commands(group):
            group.add_command(click.Command("squawk"))
    """
    install("beluga-voice-squawk", code)
    group = click.Group()
    plugins = Plugins.discover()
    plugins.add_commands(group)
    assert "squawk" in group.commands
    assert problem_of(plugins, "cmdless").kind is ProblemKind.HOOK_RAISED


def test_discovery_imports_neither_pydantic_nor_a_contract(install: Install) -> None:
    code = (
        "import sys; from beluga_voice.plugins import Plugins; Plugins.discover(); "
        "print([m for m in ('pydantic', 'dependency_injector', 'click', 'onnxruntime') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_module_that_is_turned_off_is_not_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "acme_unpackaged.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(str(tmp_path))
    plugins = Plugins.discover(modules=["acme_unpackaged"], disabled=["acme_unpackaged"])
    assert "acme_unpackaged" not in {each.origin.name for each in plugins.loaded}
    assert "acme_unpackaged" not in {each.plugin.name for each in plugins.problems}
    assert "acme_unpackaged" not in sys.modules


@pytest.mark.parametrize("name", ["", "none", "Parrot", "par rot", "-parrot"])
def test_a_provider_has_a_name_that_settings_can_hold(name: str) -> None:
    with pytest.raises(PluginError, match=r"cannot be named .*; allowed: lower-case letters"):
        Registration("stt", name, STT, None, Origin("acme"))


@pytest.mark.parametrize("reference", ["acme", "acme.STT", "acme:", ":STT", "ac me:STT"])
def test_a_reference_names_module_and_attribute(reference: str) -> None:
    with pytest.raises(PluginError, match="allowed: 'module:attribute'"):
        Registration("stt", "parrot", reference, None, Origin("acme"))
    with pytest.raises(PluginError, match="allowed: 'module:attribute'"):
        Registration("stt", "parrot", STT, reference, Origin("acme"))


def test_a_provider_without_settings_takes_none() -> None:
    class Other(BaseModel):
        pass

    registration = Registration("stt", "plain", object, None, Origin("acme"))
    with pytest.raises(ConfigurationError, match="'plain' takes settings of type none, not Other"):
        registration.make(Other())


def test_an_sdk_that_a_factory_lacks_when_it_is_called_is_named() -> None:
    def factory() -> object:
        raise ModuleNotFoundError("No module named 'acme_sdk'", name="acme_sdk")

    registration = Registration("stt", "parrot", factory, None, Origin("acme"))
    with pytest.raises(PluginError, match=r"'parrot' cannot be used: .*No module named 'acme_sdk'"):
        registration.make()


def test_metadata_that_cannot_be_read_asks_for_nothing(install: Install) -> None:
    install("acme-scrambled", "", requires=("beluga-voice>=0.1", "!!!"))
    assert unmet_requirements("acme-scrambled") == ()
    assert not is_left_out("acme-scrambled", "acme")
    assert (
        problem_of(Plugins.discover(), "scrambled").remedy == "pip install --force-reinstall acme-scrambled"
    )


def test_nothing_is_asked_for_by_what_is_not_installed() -> None:
    assert unmet_requirements("acme-not-there") == ()
    assert not is_left_out("acme-not-there", "acme")


def test_a_requirement_in_another_version_is_unmet(install: Install) -> None:
    install("acme-dated", "", requires=("pluggy>=999", "click>=1", "acme-gone"))
    assert unmet_requirements("acme-dated") == ("pluggy>=999", "acme-gone")


def test_a_deprecated_hook_works_and_warns_at_the_plugin_s_own_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def register_ears(register: object) -> None:
        """Register ears."""

    spec = hookspecs.deprecated_hookspec("register_stt", "0.3")(register_ears)
    monkeypatch.setattr(hookspecs, "register_ears", spec, raising=False)

    class Old:
        @hookspecs.hookimpl
        def register_ears(self, register: object) -> None:
            pass

    plugins = Plugins()
    text = "this hook is deprecated, and beluga-voice 0.3 goes without it; implement register_stt"
    with pytest.warns(hookspecs.PluginDeprecationWarning, match=text) as warned:
        plugins.register(Old(), "old")
    assert warned[0].filename == __file__
    assert plugins.loaded[0].hooks == ("register_ears",)
