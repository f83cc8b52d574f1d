"""An application of one's own: whoever is logged in calls its agent, from a page of its own in 40 lines.

uvicorn app:app    then open http://127.0.0.1:8000/, or http://127.0.0.1:8000/voice/ for the page that comes along
"""

from collections.abc import Callable
from pathlib import Path

from fastapi import Depends, FastAPI
from fastapi.responses import FileResponse

from beluga_voice import Answer, Offer, Sessions, Turn, VoiceContainer


def clerk(user: str) -> Callable[[Turn], str]:
    def agent(turn: Turn) -> str:
        return f"{user}, you said {turn.text}."

    return agent


voice = VoiceContainer()  # settings from the environment, .env or beluga.toml
app = FastAPI(lifespan=voice.lifespan)  # opens the providers once, and ends the calls at shutdown
app.mount("/voice", voice.asgi(clerk("Stranger")))


@app.get("/")
def page() -> FileResponse:
    return FileResponse(Path(__file__).with_name("call.html"))


@app.post("/calls/{user}")  # the place to see who asks
async def call(user: str, offer: Offer, sessions: Sessions = Depends(voice.get_sessions)) -> Answer:
    return await sessions.answer(offer, clerk(user))
