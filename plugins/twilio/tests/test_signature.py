from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beluga_voice_twilio.signature import is_signed, signature_of
from beluga_voice_twilio.testing import read_twiml
from beluga_voice_twilio.twiml import connect

URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
FORM = [
    ("CallSid", "CA1234567890ABCDE"),
    ("Caller", "+14158675309"),
    ("Digits", "1234"),
    ("From", "+14158675309"),
    ("To", "+18005551212"),
]


def test_the_signature_is_that_of_twilios_own_example() -> None:
    assert signature_of("12345", URL, FORM) == "RSOYDt4T1cUTdK1PDd93/VVr8B8="
    assert signature_of("12345", URL, reversed(FORM)) == "RSOYDt4T1cUTdK1PDd93/VVr8B8="


@pytest.mark.parametrize("signed", ["https://voice.example/x", "https://voice.example:443/x"])
@pytest.mark.parametrize("seen", ["https://voice.example/x", "https://voice.example:443/x"])
def test_the_port_that_the_scheme_stands_for_makes_no_difference(signed: str, seen: str) -> None:
    assert is_signed(signature_of("token", signed), "token", seen)


@pytest.mark.parametrize(
    "seen",
    ["https://voice.example:8443/x", "wss://voice.example/x", "https://voice.example/y", "https://[::1/x"],
)
def test_another_address_is_not_signed(seen: str) -> None:
    assert not is_signed(signature_of("token", "https://voice.example/x"), "token", seen)


@settings(max_examples=40)
@given(st.text(), st.lists(st.tuples(st.text(), st.text())))
def test_any_header_and_form_are_compared_without_failure(given: str, form: list[tuple[str, str]]) -> None:
    assert not is_signed(given, "token", "https://voice.example/x", form)


@settings(max_examples=40)
@given(st.dictionaries(st.text("abc<>&\"'", min_size=1), st.text("abc<>&\"' é")))
def test_parameters_stand_in_twiml_as_they_are(parameters: dict[str, str]) -> None:
    twiml = connect("wss://voice.example/x", parameters)
    assert read_twiml(twiml) == ("wss://voice.example/x", parameters)
    stream = ElementTree.fromstring(twiml).find("Connect/Stream")
    assert stream is not None
    assert {each.get("name"): each.get("value") for each in stream} == parameters
