"""Serves the front panel: one static page and one WebSocket, to this machine only.

What it is: aiohttp on 127.0.0.1, a guard before every request, two lanes for what pages order, and news for each page.
What it is not: what an order does (``panel_hands``), or what is news (``panel_news``).
Rule: nobody is heard without the token, under a foreign Host, or from a foreign Origin: a page of the web that a person
opens elsewhere must not work this keypad, also when its name was made to lead here (DNS rebinding).
"""

import asyncio
import contextlib
import hmac
from collections.abc import Awaitable, Callable
from importlib import resources
from typing import Final

from aiohttp import WSCloseCode, WSMsgType, web

from appliance.errors import SimulatorError
from appliance.simulator.panel_hands import PanelHands
from appliance.simulator.panel_messages import Down, Key, Order, Pause, Play, Stop, Tone, Up, decode, encode
from appliance.simulator.panel_news import Known, View, news
from appliance.simulator.panel_show import BUSY, Show
from appliance.simulator.wake import Wake

HOST: Final = "127.0.0.1"
MAX_MESSAGE: Final = 512 * 1024
"""Bytes of a message of the page: ``MAX_TEXT`` characters, each written as an escape, and room."""
HEARTBEAT: Final = 20.0

FILES: Final = {"": ("index.html", "text/html"), "panel.css": ("panel.css", "text/css")} | {
    "panel.js": ("panel.js", "text/javascript")
}
"""Name below the token -> file and type. Nothing else is served."""

HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class PanelServer:
    """One panel, on the main thread's loop.

    Args:
        hands: do what pages order.
        show: plays journeys; while it does, the hands rest.
        view: everything to be seen now; called on the loop.
        wake: read for news and for the end.
        tell: told what goes wrong with a key.
        token: what must stand in the path.
        port: TCP port; 0 for a free one.
    """

    def __init__(  # noqa: PLR0913 - hands, eyes, ears, mouth, and its place
        self,
        hands: PanelHands,
        show: Show,
        view: Callable[[], View],
        wake: Wake,
        tell: Callable[[Tone, str], None],
        *,
        token: str,
        port: int,
    ) -> None:
        self._hands, self._view, self._wake, self._tell = hands, view, wake, tell
        self._show = show
        self._token = token
        self.port = port
        self._ended = asyncio.Event()
        self._pages: dict[web.WebSocketResponse, asyncio.Event] = {}
        self._keys: asyncio.Queue[Down | Up] = asyncio.Queue()
        self._moves: asyncio.Queue[Order] = asyncio.Queue()
        folder = resources.files("appliance.simulator") / "page"
        self._files = {name: (folder.joinpath(file).read_bytes(), kind) for name, (file, kind) in FILES.items()}

    @property
    def url(self) -> str:
        """What to open in a browser."""
        return f"http://{HOST}:{self.port}/{self._token}/"

    async def run(self, ready: Callable[[str], None]) -> None:
        """Serve until a signal; ``ready`` is called with the URL.

        Raises:
            SimulatorError: the port cannot be had.
        """
        application = web.Application(middlewares=[self._guard])
        application.router.add_get("/{token}/{name:[a-z.]*}", self._serve)
        runner = web.AppRunner(application, access_log=None)  # a log would keep the token
        await runner.setup()
        loop = asyncio.get_running_loop()
        loop.add_reader(self._wake.fileno(), self._look)
        lanes = [asyncio.create_task(self._touch()), asyncio.create_task(self._move())]
        try:
            await self._listen(runner)
            ready(self.url)
            await self._ended.wait()
        finally:
            loop.remove_reader(self._wake.fileno())
            for page in list(self._pages):
                await page.close(code=WSCloseCode.GOING_AWAY)
            await runner.cleanup()
            for lane in lanes:
                lane.cancel()
            await asyncio.gather(*lanes, return_exceptions=True)

    async def _listen(self, runner: web.AppRunner) -> None:
        try:
            await web.TCPSite(runner, HOST, self.port).start()
        except OSError as error:
            raise SimulatorError(f"port {self.port} of {HOST}: {error.strerror}") from error
        self.port = runner.addresses[0][1]

    def _look(self) -> None:
        """There is news, or a signal."""
        self._wake.drain()
        if self._wake.ended:
            self._ended.set()
        for told in self._pages.values():
            told.set()

    # --- requests -----------------------------------------------------------------------------------------------------

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse, or answer with our headers; a refusal says nothing of what is here."""
        hosts = {f"{name}:{self.port}" for name in (HOST, "localhost")}
        origin = request.headers.get("Origin")
        token = request.match_info.get("token", "")
        if request.host not in hosts or origin not in {None, *(f"http://{host}" for host in hosts)}:
            raise web.HTTPForbidden(headers=HEADERS)
        if not hmac.compare_digest(token.encode(), self._token.encode()):
            raise web.HTTPNotFound(headers=HEADERS)
        return await handler(request)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        if name == "ws":
            if "Origin" not in request.headers:  # every browser names it here
                raise web.HTTPForbidden(headers=HEADERS)
            return await self._talk(request)
        if name not in self._files:
            raise web.HTTPNotFound(headers=HEADERS)
        body, kind = self._files[name]
        return web.Response(body=body, content_type=kind, charset="utf-8", headers=HEADERS)

    async def _talk(self, request: web.Request) -> web.WebSocketResponse:
        """One page, until it goes; keys that it still holds come up."""
        page = web.WebSocketResponse(heartbeat=HEARTBEAT, max_msg_size=MAX_MESSAGE, compress=False)
        await page.prepare(request)
        told = asyncio.Event()
        told.set()
        self._pages[page] = told
        telling = asyncio.create_task(self._say(page, told))
        held: set[Key] = set()
        try:
            async for message in page:
                if message.type is not WSMsgType.TEXT or not self._take(message.data, held):
                    await page.close(code=WSCloseCode.POLICY_VIOLATION, message=b"not a message of the page")
        finally:
            del self._pages[page]
            telling.cancel()
            with contextlib.suppress(asyncio.CancelledError, ConnectionError):  # ours, or the page went first
                await telling
            for key in held:
                self._keys.put_nowait(Up(key=key))
        return page

    def _take(self, text: str, held: set[Key]) -> bool:
        """Put an order into its lane; False for what is no message."""
        try:
            order = decode(text)
        except ValueError:  # not repeated: it may quote a key
            return False
        if isinstance(order, Down | Up):
            if (order.key in held) is isinstance(order, Down):
                return True  # it is so already
            held ^= {order.key}
            self._keys.put_nowait(order)
        else:
            self._moves.put_nowait(order)
        return True

    async def _say(self, page: web.WebSocketResponse, told: asyncio.Event) -> None:
        known = Known()
        try:
            while True:
                await told.wait()
                told.clear()
                said, known = news(self._view(), known)
                for message in said:
                    await page.send_str(encode(message))
        finally:
            await page.close()  # whatever ended this, no page stands still in silence

    # --- lanes: in order, beside the loop; a slow movement never holds a key up ---------------------------------------

    async def _touch(self) -> None:
        while True:
            order = await self._keys.get()
            if self._show.busy and isinstance(order, Down):
                self._tell("bad", BUSY)
                continue
            try:
                await asyncio.to_thread(self._hands.touch, order)
            except SimulatorError as error:
                self._tell("bad", str(error))

    async def _move(self) -> None:
        while True:
            order = await self._moves.get()
            await asyncio.to_thread(self._do, order)
            self._wake.poke()  # how things stand may have changed without a word

    def _do(self, order: Order) -> None:
        if isinstance(order, Play | Pause | Stop):
            try:
                self._show.move(order)
            except SimulatorError as error:
                self._tell("bad", str(error))
        elif self._show.busy:
            self._tell("bad", BUSY)
        else:
            self._hands.move(order)
