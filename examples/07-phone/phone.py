"""An agent on the telephone: it tells the state of an order, whose number the caller keys in or says.

python phone.py serve              answers calls at /twilio: point the webhook of a number there
python phone.py ring +15550101     calls somebody, who then talks to the agent that is served
python phone.py                    a call by a simulated Twilio: offline, without an account

The first two want BELUGA_VOICE_SERVER__TWILIO__AUTH_TOKEN and __URL; the second, __ACCOUNT_SID and __NUMBER too.
"""

from __future__ import annotations

import asyncio
import re
import sys

from beluga_voice import Turn, VoiceContainer, run
from beluga_voice.settings import Settings, read_table
from beluga_voice_twilio.rest import TwilioClient
from beluga_voice_twilio.settings import TwilioSettings
from beluga_voice_twilio.testing import dial

ORDERS = {"41": "was delivered on Monday", "42": "is on its way"}


def agent(turn: Turn) -> str:
    number = "".join(re.findall(r"\d", turn.text))
    return f"Order {number} {ORDERS[number]}." if number in ORDERS else "I know no such order."


async def ring(number: str) -> None:
    settings = read_table(Settings().values, ("server", "twilio"), TwilioSettings)
    async with TwilioClient(settings) as twilio:
        print("rings:", await twilio.call(number))


async def simulate(voice: VoiceContainer, keys: str) -> float:
    """Call, wait for the greeting, press keys, listen, and hang up; returns the seconds that were heard."""
    async with voice.lifespan(), dial(voice.asgi(agent)) as call:
        await call.wait(4)
        for key in keys:
            call.press(key)
        await call.wait(4)
        call.hang_up()
    return len(call.heard) / 8000


if __name__ == "__main__":
    if sys.argv[1:2] == ["ring"]:
        asyncio.run(ring(sys.argv[2]))
    elif sys.argv[1:]:
        run(agent)
    else:
        print(f"heard {asyncio.run(simulate(VoiceContainer(), '42#')):.1f} s of the agent")
