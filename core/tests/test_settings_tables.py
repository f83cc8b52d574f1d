"""Tables whose model is a plugin's."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from beluga_voice.errors import ConfigurationError
from beluga_voice.settings import Settings, read_table


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid")

    port: int = Field(default=80, le=65535)
    key: SecretStr | None = None
    name: str | None = "x"


def read(**server: object) -> Model:
    return read_table(Settings(server=server).values, ("server",), Model, without=("webrtc",))


def test_values_are_read_and_those_of_others_left_out() -> None:
    found = read(port="8080", name="none", webrtc={"ports": "1-2"})
    assert (found.port, found.name) == (8080, None)
    assert Settings(server={"port": 1}).server == {"port": 1}


@pytest.mark.parametrize(
    ("server", "text"),
    [
        ({"port": 99999}, r"server\.port is 99999; .* \(argument server\)"),
        ({"prot": 1}, r"no setting named 'server\.prot' \(argument server\); did you mean 'port'\?"),
        ({"key": 7}, r"server\.key: .* \(argument server\)"),
    ],
)
def test_what_is_wrong_is_told_with_its_source_and_without_secrets(
    server: dict[str, object], text: str
) -> None:
    with pytest.raises(ConfigurationError, match=text):
        read(**server)


def test_the_server_s_settings_are_a_table() -> None:
    with pytest.raises(ConfigurationError, match="server is 7; it must be a table"):
        Settings(server=7)
