"""A turn detector that listens to how the caller's speech ends."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ClassVar, Protocol
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import NDArray

from beluga_voice.clock import working
from beluga_voice.contracts import TurnContext, TurnDetector
from beluga_voice.errors import ClosedError, ConfigurationError, ProviderError
from beluga_voice.models import ModelStore
from beluga_voice_smart_turn.features import BANDS, COLUMNS, SECONDS, log_mel
from beluga_voice_smart_turn.settings import SmartTurnSettings

FILE = "smart-turn-v3.2-cpu.onnx"
"""The file of the model that is fetched."""


class SmartTurnDetector(TurnDetector):
    """Judges the last eight seconds of the caller's turn by the Smart Turn v3 model; words do not matter to it.

    A decision is made on one thread of the process, outside the event loop; decisions of several sessions wait for
    each other. A prediction that is cancelled before its turn comes costs nothing.
    """

    audio_seconds = SECONDS

    def __init__(self, settings: SmartTurnSettings | None = None) -> None:
        """Make a detector; the model is loaded by `open`."""
        self._settings = settings or SmartTurnSettings()
        self._model: _Model | None = None
        self._closed = False

    async def open(self) -> None:
        """Load the model, or share the one that is loaded.

        Raises:
            ConfigurationError: there is no such file, or none was fetched.
            ProviderError: the file holds no such model.
        """
        fetched = ModelStore().find("smart-turn")
        path = self._settings.model or (None if fetched is None else fetched / FILE)
        if path is None:
            raise ConfigurationError(
                "the smart-turn detector has no model. Try: beluga-voice models fetch smart-turn, or the path of "
                f"{FILE} as its setting `model`"
            )
        if not path.is_file():
            raise ConfigurationError(
                f"model is {str(path)!r}, which is no file; give the path of an ONNX file"
            )
        with working("smart-turn: loading the model"):
            self._model = await asyncio.to_thread(_Model.of, path.resolve(), self._settings.threads)

    async def predict(self, context: TurnContext) -> float:
        """Return the model's probability that the turn is complete; without audio there is none.

        Raises:
            ClosedError: before `open`, or after `aclose`.
            ProviderError: there is no audio to judge by, or the model failed.
        """
        model = self._model
        if model is None:
            raise ClosedError(f"the smart-turn detector is {'closed' if self._closed else 'not open'}")
        if context.audio is None:
            raise ProviderError("smart-turn judges by sound, and the session heard none", retryable=False)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(model.executor, model.predict, context.audio.samples)

    async def aclose(self) -> None:
        """Let go of the model. What is being judged ends first, within tens of milliseconds. Idempotent."""
        self._closed = True
        model, self._model = self._model, None
        if model is not None and model.release():
            with working("smart-turn: ending its thread"):
                await asyncio.to_thread(model.executor.shutdown)


class _Session(Protocol):
    """What is used of ``onnxruntime.InferenceSession``, which has no types."""

    def run(self, outputs: None, inputs: dict[str, NDArray[np.float32]]) -> list[NDArray[np.float32]]: ...

    def get_inputs(self) -> list[_Input]: ...


class _Input(Protocol):
    name: str
    shape: list[int | str]


class _Model:
    """One loaded file, and the thread that asks it. All detectors of the process that name the file share it."""

    _loaded: ClassVar[WeakValueDictionary[tuple[Path, int], _Model]] = WeakValueDictionary()
    _loading = threading.Lock()

    def __init__(self, key: tuple[Path, int]) -> None:
        self._session = _load(*key)
        self._key = key
        self._users = 0
        self.executor = ThreadPoolExecutor(1, "smart-turn")

    @classmethod
    def of(cls, path: Path, threads: int) -> _Model:
        with cls._loading:
            model = cls._loaded.get((path, threads)) or cls((path, threads))
            cls._loaded[path, threads] = model
            model._users += 1
            return model

    def release(self) -> bool:
        """Returns whether nobody uses it any more."""
        with self._loading:
            self._users -= 1
            if not self._users:
                self._loaded.pop(self._key, None)
            return not self._users

    def predict(self, audio: NDArray[np.int16]) -> float:
        outputs = self._session.run(None, {"input_features": log_mel(audio)})
        return float(np.asarray(outputs[0]).ravel()[0])


def _load(path: Path, threads: int) -> _Session:
    import onnxruntime  # type: ignore[import-untyped]

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 4  # what fails is raised
    try:
        session: _Session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # onnxruntime has a class of its own for each fault
        raise ProviderError(f"model {str(path)!r} is no ONNX model: {error}", retryable=False) from error
    shapes = {given.name: given.shape[1:] for given in session.get_inputs()}
    if shapes != {"input_features": [BANDS, COLUMNS]}:
        raise ProviderError(
            f"model {str(path)!r} takes {shapes}, not input_features of {BANDS} x {COLUMNS}; Smart Turn v3 does",
            retryable=False,
        )
    return session
