from collections.abc import AsyncIterator

from fastapi import Depends, FastAPI

from beluga_voice import Answer, Offer, Sessions, Turn, VoiceContainer


async def agent(turn: Turn) -> AsyncIterator[str]:
    yield f"You said {turn.text}."


voice = VoiceContainer()  # environment > .env > beluga.toml; nests in the host's container
app = FastAPI(lifespan=voice.lifespan)  # opens providers once, drains on shutdown
app.mount("/voice", voice.asgi(agent))  # signalling, WebSocket, page


@app.post("/calls/{user}")
async def call(user: str, offer: Offer, sessions: Sessions = Depends(voice.get_sessions)) -> Answer:
    return await sessions.answer(offer, agent, profile="support", deps={"user": user})
