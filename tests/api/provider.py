import json
from collections.abc import Iterator

from pydantic import BaseModel, SecretStr

from beluga_voice.audio import AudioFrame
from beluga_voice.codecs import Request, WebSocketSTT
from beluga_voice.contracts import Transcript
from beluga_voice.hookspecs import RegisterSTT, hookimpl


class AcmeSettings(BaseModel, frozen=True, extra="forbid"):
    url: str = "wss://stt.acme.example/v1/listen"
    api_key: SecretStr

    def auth(self) -> dict[str, str]:
        return {"Authorization": f"Token {self.api_key.get_secret_value()}"}


class AcmeSTT(WebSocketSTT[AcmeSettings]):
    def request(self) -> Request:
        return Request(self.settings.url, headers=self.settings.auth())

    def encode(self, frame: AudioFrame) -> bytes:
        return frame.tobytes()

    def decode(self, message: str | bytes) -> Iterator[Transcript]:
        answer = json.loads(message)
        yield Transcript(answer["text"], final=answer["final"])


@hookimpl
def register_stt(register: RegisterSTT) -> None:
    register("acme", "provider:AcmeSTT", settings=AcmeSettings)  # imported when asked for
