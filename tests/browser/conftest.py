"""A server in a process of its own, and Chromium with a recording as its microphone."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import wave
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from numpy.typing import NDArray

from beluga_voice.audio import Resampler
from beluga_voice.clock import run_virtual
from beluga_voice.demo.sounds import synthesise
from beluga_voice_espeak.settings import EspeakSettings
from beluga_voice_espeak.tts import EspeakTTS

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Playwright

RECORDINGS = Path(__file__).resolve().parents[3] / "shared" / "audio"
EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "06-fastapi"
RATE = 16000
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream", "--autoplay-policy=no-user-gesture-required",
)  # fmt: skip

FIRST, SECOND = "go forward ten meters", "what is the weather in paris"
GRAMMAR = """#JSGF V1.0;
grammar call;
<count> = five | ten | ninety;
<way> = go ( forward | back | left | right ) <count> meters;
<weather> = what is the weather in ( paris | london | rome | madrid );
<switch> = ( open | close ) the ( window | door | garage );
public <call> = <way> | <weather> | <switch>;
"""
AGENT = """
from beluga_voice import run

STORY = "The harbour has four piers, and each of them has a light of its own. "


def agent(turn):
    return f"You said {turn.text}. " + STORY * 4


run(agent)
"""


def spoken(name: str, text: str) -> NDArray[np.int16]:
    """Return a recording of `text`; where there is none, the same words synthesised."""
    file = RECORDINGS / f"{name}.wav"
    if file.exists():
        with wave.open(str(file)) as wav:
            return np.frombuffer(wav.readframes(wav.getnframes()), np.int16)

    async def said() -> NDArray[np.int16]:
        async with EspeakTTS(EspeakSettings(rate=150)) as tts:
            samples = await synthesise(tts, text)
            resampler = Resampler(tts.sample_rate, RATE)
            return np.concatenate([resampler.process(samples), resampler.flush()])

    return run_virtual(said())


def silence(seconds: float) -> NDArray[np.int16]:
    """Return the noise of a quiet room."""
    return np.random.default_rng(0).normal(0, 6, int(seconds * RATE)).astype(np.int16)


def write(file: Path, *parts: NDArray[np.int16]) -> Path:
    with wave.open(str(file), "wb") as wav:
        wav.setparams((1, 2, RATE, 0, "NONE", ""))
        wav.writeframes(np.concatenate(parts).tobytes())
    return file


@pytest.fixture(scope="session")
def microphone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A caller who asks, waits for the answer, and asks something else while it goes on."""
    file = tmp_path_factory.mktemp("microphone") / "caller.wav"
    first, second = spoken("ps_goforward", FIRST), spoken("lk_weather_question", SECOND)
    # It plays from when the microphone is opened, whether or not the page is connected yet.
    return write(file, silence(4), first, silence(4), second, silence(20))


@pytest.fixture(scope="session")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A caller who says nothing."""
    return write(tmp_path_factory.mktemp("microphone") / "quiet.wav", silence(20))


@contextmanager
def running(folder: Path, *command: str, listens: str, **settings: str) -> Iterator[str]:
    """Run a server in `folder`, under these settings and none of this machine's; gives its address."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("BELUGA_VOICE_")}
    environ = own | {f"BELUGA_VOICE_{name}": value for name, value in settings.items()}
    with subprocess.Popen(
        [sys.executable, *command], cwd=folder, env=environ, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        told: list[str] = []
        try:
            for line in process.stderr:
                told.append(line)
                if found := re.search(rf"{listens} (http\S+)", line):
                    break
            assert found is not None, "".join(told)
            yield found[1].replace("127.0.0.1", "localhost")
        finally:
            process.terminate()
            process.communicate(timeout=20)


@pytest.fixture(scope="session")
def grammar(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The path of a grammar that the recordings are sentences of."""
    file = tmp_path_factory.mktemp("grammar") / "call.gram"
    file.write_text(GRAMMAR, encoding="utf-8")
    return str(file)


@pytest.fixture(scope="session")
def settings(grammar: str) -> dict[str, str]:
    """Settings of each server."""
    return {"STT__GRAMMAR": grammar, "SERVER__MAX_LAG": "10", "SERVER__KEEP": "20", "SERVER__DRAIN": "0"}


@pytest.fixture(scope="session")
def serve() -> Callable[..., AbstractContextManager[str]]:
    """Runs a server whose agent tells a story that is long enough to be cut."""

    def serve(folder: Path, **settings: str) -> AbstractContextManager[str]:
        (folder / "clerk.py").write_text(AGENT, encoding="utf-8")
        command = ("clerk.py", "serve", "--port", "0")
        return running(folder, *command, listens="listens on", SESSION__GREETING="Welcome.", **settings)

    return serve


@pytest.fixture(scope="session")
def server(
    tmp_path_factory: pytest.TempPathFactory, settings: dict[str, str], serve: Callable[..., Any]
) -> Iterator[str]:
    """The address of such a server."""
    with serve(tmp_path_factory.mktemp("server"), **settings) as address:
        yield address


@pytest.fixture(scope="session")
def fastapi(settings: dict[str, str]) -> Iterator[str]:
    """The address of the example's application."""
    command = ("-m", "uvicorn", "app:app", "--port", "0")
    with running(EXAMPLE, *command, listens="running on", **settings) as address:
        yield address


@pytest.fixture(scope="module")  # its event loop runs as long as it does, and other tests have their own
def playwright() -> Iterator[Playwright]:
    """The driver of browsers; skips where it is not installed."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with sync_api.sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of an installed Chromium; skips where there is none."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.skip("no Chromium is installed")
    return found


@pytest.fixture(scope="module")
def launch(playwright: Playwright, chromium: str) -> Callable[..., Browser]:
    """Opens a browser whose microphone hears a file; whoever opens it closes it."""

    def launch(microphone: Path, *flags: str) -> Browser:
        capture = f"--use-file-for-fake-audio-capture={microphone}%noloop"
        return playwright.chromium.launch(executable_path=chromium, args=[*FLAGS, capture, *flags])

    return launch


@pytest.fixture
def open_browser(launch: Callable[..., Browser]) -> Iterator[Callable[..., Browser]]:
    """Opens browsers that are closed after the test."""
    with ExitStack() as stack:
        yield lambda *arguments: stack.enter_context(closing(launch(*arguments)))


@pytest.fixture(scope="module")
def show(server: str) -> Callable[..., Page]:
    """Shows the page in a browser; what goes wrong in it is kept as ``page.problems``."""

    def show(browser: Browser, query: str = "", **context: object) -> Page:
        page = browser.new_page(**context)
        watch(page)
        page.goto(server + query)
        page.wait_for_selector("#about:not(:empty)")
        return page

    return show


@pytest.fixture
def visit(open_browser: Callable[..., Browser], show: Callable[..., Page]) -> Callable[..., Page]:
    """Opens the page in a browser of its own."""
    return lambda microphone, *flags, **options: show(open_browser(microphone, *flags), **options)


def watch(page: Page) -> None:
    problems: list[str] = []
    requests: list[str] = []
    page.on("console", lambda said: problems.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.problems, page.requests = problems, requests  # type: ignore[attr-defined]
