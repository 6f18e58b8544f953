"""``appliance simulate --panel`` as a process, and a page without a browser: aiohttp's client on its WebSocket.

What it is: what a page is told, kept by type, and waits for it. What it is not: a browser (``chromium_kit``).
Rule: every wait is for a message, and bounded.
"""

import asyncio
import base64
import contextlib
import os
import re
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
from PIL import Image

from appliance.simulator.reading import read_lines

TIMEOUT = 30.0
LEAVES = {"down", "up", "insert", "remove", "renew", "flip", "ask", "cancel", "play", "pause", "stop"}


class PanelProcess:
    """The program; a context manager that ends it as a person does (SIGINT) and keeps its exit code."""

    def __init__(self, *options: str, inside: tuple[str, ...] = (), **variables: str):
        self.process = subprocess.Popen(
            [*inside, sys.executable, "-m", "appliance", "simulate", "--panel", *options],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            start_new_session=True, env={**os.environ, **variables},
        )  # fmt: skip
        self.url = self._read_url(time.monotonic() + TIMEOUT)
        self.errors = ""

    @property
    def host(self) -> str:
        return urlsplit(self.url).netloc

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end(signal.SIGTERM)

    def end(self, how: signal.Signals) -> int:
        if self.process.poll() is None:
            self.process.send_signal(how)
            _, self.errors = self.process.communicate(timeout=TIMEOUT)
        return self.process.returncode

    def left(self) -> list[str]:
        """Processes of its session that live on."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                if int(fields[3]) == self.process.pid and fields[0] != "Z":
                    found.append((folder / "cmdline").read_text())
            except OSError:  # ended meanwhile
                continue
        return found

    def _read_url(self, deadline: float) -> str:
        told = ""
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while not (found := re.search(r"^open (http://\S+/)$", told, re.MULTILINE)):
                ready = selector.select(max(0.0, deadline - time.monotonic()))
                line = self.process.stdout.readline() if ready else ""
                if not line:
                    self.process.kill()
                    raise AssertionError(f"no panel: {told}{self.process.communicate()[1]}")
                told += line
        return found[1]


class Passage:
    """The port of a panel that runs in another network namespace, here; a context manager.

    ``dial`` connects there. The port has the same number on both sides: the panel wants its own in ``Host``.
    """

    def __init__(self, port: int, dial):
        self._dial = dial
        self._listener = socket.create_server(("127.0.0.1", port))
        self._links = []
        self._threads = [threading.Thread(target=self._accept)]

    def __enter__(self):
        self._threads[0].start()
        return self

    def __exit__(self, *_):
        self._listener.shutdown(socket.SHUT_RDWR)
        for link in self._links:
            with contextlib.suppress(OSError):  # it is over already
                link.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(TIMEOUT)
        for link in (self._listener, *self._links):
            link.close()

    def _accept(self):
        while True:
            try:
                here, _ = self._listener.accept()
            except OSError:  # shut down
                return
            there = self._dial()
            there.settimeout(None)
            self._links += [here, there]
            for ends in ((here, there), (there, here)):
                thread = threading.Thread(target=self._carry, args=ends)
                self._threads.append(thread)
                thread.start()

    @staticmethod
    def _carry(source, sink):
        with contextlib.suppress(OSError):  # either side hung up
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)


class Page:
    """A page's end of the WebSocket; a context manager.

    Attributes:
        hello, frame, state: the last of each. entries, dossiers: by number.
    """

    def __init__(self, url: str, **headers: str):
        self.url = url
        self.headers = {"Origin": url.rstrip("/").rpartition("/")[0]} | headers
        self.hello = self.frame = self.state = self.playing = None
        self.entries, self.dossiers = {}, {}

    def __enter__(self):
        self._loop = asyncio.new_event_loop()
        try:
            self._loop.run_until_complete(self._open())
        except BaseException:
            self._loop.close()
            raise
        return self

    def __exit__(self, *_):
        self._loop.run_until_complete(self._close())
        self._loop.close()

    async def _open(self):
        self._session = aiohttp.ClientSession()
        try:
            self._socket = await self._session.ws_connect(self.url + "ws", headers=self.headers, max_msg_size=0)
        except BaseException:
            await self._session.close()
            raise

    async def _close(self):
        await self._socket.close()
        await self._session.close()

    def send(self, text: str | bytes) -> None:
        sending = self._socket.send_str(text) if isinstance(text, str) else self._socket.send_bytes(text)
        self._loop.run_until_complete(sending)

    def say(self, kind: str, **members) -> None:
        assert kind in LEAVES
        self._loop.run_until_complete(self._socket.send_json({"type": kind, **members}))

    def press(self, keys: str) -> None:
        for key in keys:
            self.say("down", key=key)
            self.say("up", key=key)

    def wait_for(self, reached, timeout: float = TIMEOUT):
        """Until ``reached(self)`` is true of what was heard; its value."""
        deadline = time.monotonic() + timeout
        while not (now := reached(self)):
            message = self._hear(deadline)
            assert message is not None, (
                f"never; shown: {self.lines}, state: {self.state}, {list(self.dossiers.values())}"
            )
        return now

    def wait_shown(self, text: str) -> list[str]:
        """Until the display's pixels say it."""
        self.wait_for(lambda page: text in " ".join(page.lines))
        return self.lines

    def wait_closed(self) -> int:
        """Until the server hangs up; the close code."""
        deadline = time.monotonic() + TIMEOUT
        while self._hear(deadline) is not None:
            pass
        return self._socket.close_code

    @property
    def lines(self) -> list[str]:
        return read_lines(self.picture()) if self.frame else []

    def picture(self) -> Image.Image:
        return Image.frombytes("1", (128, 64), base64.b64decode(self.frame["pixels"]))

    def _hear(self, deadline: float):
        left = max(0.0, deadline - time.monotonic())
        try:
            message = self._loop.run_until_complete(asyncio.wait_for(self._socket.receive(), left))
        except TimeoutError:
            return None
        if message.type is not aiohttp.WSMsgType.TEXT:
            return None
        told = message.json()
        kind = told.pop("type")
        if kind == "entry":
            self.entries[told["number"]] = told
        elif kind == "dossier":
            self.dossiers[told["number"]] = told
        else:
            setattr(self, {"hello": "hello", "frame": "frame", "state": "state", "playing": "playing"}[kind], told)
        return told
