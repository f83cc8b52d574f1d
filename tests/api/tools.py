from dataclasses import dataclass, field

from beluga_voice import Agent, Call, run


@dataclass
class Orders:
    shipped: dict[str, str] = field(default_factory=lambda: {"7": "shipped on Monday"})

    async def status(self, order: str) -> str:
        return self.shipped.get(order, "not known")


@dataclass
class Shop:
    orders: Orders = field(default_factory=Orders)


agent = Agent(
    "You answer calls for Acme. Be brief.",
    greeting="Acme, hello.",
    stt="deepgram:nova-3",
    llm="openai:gpt-4o-mini",
    tts="cartesia:sonic-2",
    deps=Shop,
)


@agent.tool(timeout=5, filler="One moment.")
async def order_status(call: Call[Shop], order: str) -> str:
    """Status of an order. `order` is the number on the invoice."""
    return await call.deps.orders.status(order)


@agent.tool
async def hang_up(call: Call[Shop]) -> None:
    """The caller is done."""
    await call.say("Goodbye.", allow_interruptions=False)  # until heard; inside a tool it cannot deadlock
    call.end()


if __name__ == "__main__":
    run(agent)
