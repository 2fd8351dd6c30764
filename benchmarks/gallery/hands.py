"""A visitor's hands: real pointer, wheel, keys and fingers, through the browser's own protocol.

An action is steps with `;` between them. A step is a word with arguments, and `@SELECTOR` for another target:

    click [TIMES] [GAP_MS]   real click counts (1, 2, 3, 3, …), 160 ms from press to press unless told
    tap [TIMES]              a finger
    keys KEY…                the target gets the focus by its own means, then keys: `Enter`, `Shift+Tab`
    press KEY…               keys for whatever has the focus
    type TEXT                keys, a character each 60 ms; `_` is a space
    drag DX DY [STEPS]       press, move, release
    swipe DX DY              the same with a finger
    select                   drag over the words of the target
    hover MS · wheel DY [TIMES] · wait MS · read MS (moves, small scrolls, pauses)
"""

import asyncio
import time

from playwright.async_api import CDPSession, Page

GAP_MS = 160.0
HELD_S = 0.06


class Hands:
    """Act on one page. `last` is when the last press of the last step was released, on `time.monotonic`."""

    def __init__(self, page: Page, cdp: CDPSession) -> None:
        self.page = page
        self.cdp = cdp
        self.x, self.y = 640.0, 20.0
        self.last = 0.0

    async def act(self, selector: str, action: str) -> None:
        for step in action.split(";"):
            target, words = selector, []
            for word in step.split():
                if word.startswith("@"):
                    target = word[1:]
                else:
                    words.append(word)
            do = getattr(self, f"_{words[0]}", None)
            if do is None:
                raise ValueError(f"no such action: {words[0]!r}")
            await do(target, *words[1:])

    # Pointer

    async def _mouse(self, kind: str, count: int = 0, held: bool = False, at: float = 0.0) -> None:
        """`at`: seconds since the epoch at which the hand did it, where a busy machine may be late."""
        when = {"timestamp": at} if at else {}
        await self.cdp.send(
            "Input.dispatchMouseEvent",
            {"type": kind, "x": self.x, "y": self.y, "clickCount": count,
             "button": "left" if count or held else "none", "buttons": int(held), **when},
        )  # fmt: skip

    async def _move(self, x: float, y: float, steps: int = 6, held: bool = False) -> None:
        fx, fy = self.x, self.y
        for n in range(1, steps + 1):
            self.x, self.y = fx + (x - fx) * n / steps, fy + (y - fy) * n / steps
            await self._mouse("mouseMoved", held=held)
            await asyncio.sleep(0.016)

    async def box(self, selector: str) -> dict[str, float]:
        place = self.page.locator(selector).first
        box = await place.bounding_box(timeout=30000)
        if box and not (box["y"] >= 0 and box["y"] + min(box["height"], 40) <= 800):
            await self.show(selector)
            box = await place.bounding_box(timeout=30000)
        if box is None:
            raise ValueError(f"{selector} is not to be seen")
        return {name: float(box[name]) for name in ("x", "y", "width", "height")}

    async def show(self, selector: str) -> None:
        """Bring it into view, as somebody who has scrolled to it."""
        place = self.page.locator(selector).first
        await place.wait_for(state="visible", timeout=30000)
        await place.evaluate(
            """(thing) => {
              const { top, bottom, left, right } = thing.getBoundingClientRect();
              const seen = top >= 0 && left >= 0 && bottom <= innerHeight && right <= innerWidth;
              if (!seen) thing.scrollIntoView({ block: "center", behavior: "instant" });
            }""",
            timeout=30000,
        )
        await asyncio.sleep(0.3)

    async def leave(self) -> None:
        """Point at nothing, and let what hovering showed go."""
        await self._move(2, 2)
        await asyncio.sleep(0.4)

    async def _go(self, selector: str) -> None:
        """Point at the middle of it, or at the first 40 px of something long; look for a moment."""
        box = await self.box(selector)
        await asyncio.sleep(0.15)
        x = box["x"] + (box["width"] / 2 if box["width"] < 400 else 40)
        y = box["y"] + (box["height"] / 2 if box["height"] < 200 else 20)
        await self._move(x, y)
        await asyncio.sleep(0.3)

    async def _click(self, selector: str, times: str = "1", gap: str = str(GAP_MS)) -> None:
        await self._go(selector)
        began = time.time()
        for n in range(int(times)):
            at = began + n * float(gap) / 1000
            count = min(n + 1, 3) if float(gap) < 500 else 1
            await asyncio.sleep(max(0.0, at - time.time()))
            await self._mouse("mousePressed", count, held=True, at=at)
            await asyncio.sleep(max(0.0, at + HELD_S - time.time()))
            await self._mouse("mouseReleased", count, at=at + HELD_S)
        self.last = time.monotonic()

    async def _drag(self, selector: str, dx: str, dy: str, steps: str = "12") -> None:
        await self._go(selector)
        await self._mouse("mousePressed", count=1, held=True)
        await self._move(self.x + float(dx), self.y + float(dy), int(steps), held=True)
        await self._mouse("mouseReleased", count=1)
        self.last = time.monotonic()

    async def _select(self, selector: str) -> None:
        box = await self.box(selector)
        await self._move(box["x"] + 3, box["y"] + min(box["height"] / 2, 10))
        await self._mouse("mousePressed", count=1, held=True)
        width = min(box["width"] - 6, 300)
        await self._move(self.x + width, self.y, 12, held=True)
        await self._mouse("mouseReleased", count=1)
        self.last = time.monotonic()

    async def _hover(self, selector: str, ms: str = "800") -> None:
        await self._go(selector)
        await asyncio.sleep(float(ms) / 1000)

    async def _wheel(self, selector: str, dy: str, times: str = "1") -> None:
        await self._go(selector)
        for _ in range(int(times)):
            await self.cdp.send(
                "Input.dispatchMouseEvent",
                {"type": "mouseWheel", "x": self.x, "y": self.y, "deltaX": 0, "deltaY": float(dy)},
            )
            await asyncio.sleep(0.25)

    async def _read(self, selector: str, ms: str = "4000") -> None:
        until = time.monotonic() + float(ms) / 1000
        await self._go(selector)
        while time.monotonic() < until:
            await self._move(self.x + 40, self.y + 6)
            await self._wheel_here(120)
            await asyncio.sleep(0.7)
            await self._move(self.x - 40, self.y - 6)
            await asyncio.sleep(0.4)

    async def _wheel_here(self, dy: float) -> None:
        await self.cdp.send(
            "Input.dispatchMouseEvent",
            {"type": "mouseWheel", "x": self.x, "y": self.y, "deltaX": 0, "deltaY": dy},
        )

    # Fingers

    async def _touch(self, kind: str) -> None:
        points = [] if kind == "touchEnd" else [{"x": self.x, "y": self.y}]
        await self.cdp.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    async def _tap(self, selector: str, times: str = "1") -> None:
        box = await self.box(selector)
        self.x, self.y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        await asyncio.sleep(0.45)
        began = time.monotonic()
        for n in range(int(times)):
            await asyncio.sleep(max(0.0, began + n * GAP_MS / 1000 - time.monotonic()))
            await self._touch("touchStart")
            await asyncio.sleep(HELD_S)
            await self._touch("touchEnd")
        self.last = time.monotonic()

    async def _swipe(self, selector: str, dx: str, dy: str) -> None:
        box = await self.box(selector)
        self.x, self.y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        await self._touch("touchStart")
        for _ in range(10):
            self.x, self.y = self.x + float(dx) / 10, self.y + float(dy) / 10
            await self._touch("touchMove")
            await asyncio.sleep(0.02)
        await self._touch("touchEnd")
        self.last = time.monotonic()

    # Keys

    async def _keys(self, selector: str, *keys: str) -> None:
        await self.page.locator(selector).first.focus(timeout=30000)
        await asyncio.sleep(0.4)
        await self._press(selector, *keys)

    async def _press(self, _: str, *keys: str) -> None:
        for key in keys:
            await self.page.keyboard.press(key, delay=HELD_S * 1000)
            await asyncio.sleep(0.16)
        self.last = time.monotonic()

    async def _type(self, _: str, text: str) -> None:
        await self.page.keyboard.type(text.replace("_", " "), delay=60)
        self.last = time.monotonic()

    async def _wait(self, _: str, ms: str) -> None:
        await asyncio.sleep(float(ms) / 1000)


#: what an action may say
WORDS = {name[1:] for name in vars(Hands) if name.startswith("_") and name[1:2] != "_"}
WORDS -= {"mouse", "move", "go", "touch", "wheel_here"}


def problems(action: str) -> list[str]:
    """What is wrong with an action; nothing if it can be done."""
    steps = [[word for word in step.split() if not word.startswith("@")] for step in action.split(";")]
    return [f"{' '.join(step)!r}" for step in steps if not step or step[0] not in WORDS]
