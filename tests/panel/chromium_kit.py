"""Debian's chromium, driven through its own pipe (Chrome DevTools Protocol), without a library or a port.

What it is: one headless browser with one page; the mouse, fingers and keys go in as a person's do, at pixels. What it
is not: a shortcut to the page's code: JavaScript is evaluated only to look.
Rule: every wait is for something the page shows, and bounded; what the page complains of is kept.
"""

import base64
import fcntl
import itertools
import json
import os
import selectors
import subprocess
import time
from pathlib import Path
from typing import Any

TIMEOUT = 30.0
PROGRAM = "chromium"
REST = 150
"""Milliseconds a finger stands still before it lifts: else it flings, and the next tap only ends the fling."""
FLAGS = (
    *("--headless=new", "--remote-debugging-pipe", "--no-sandbox", "--no-first-run", "--disable-gpu"),
    *("--disable-background-networking", "--disable-component-update", "--disable-default-apps", "--disable-sync"),
    *("--disable-dev-shm-usage", "--hide-scrollbars", "--mute-audio", "--force-color-profile=srgb"),
)
NAMED = {"Enter": (13, "\r"), "Backspace": (8, ""), "Escape": (27, ""), "Tab": (9, "")} | {
    f"Arrow{way}": (number, "") for way, number in (("Left", 37), ("Up", 38), ("Right", 39), ("Down", 40))
}


class Chromium:
    """A browser with a page of ``width`` x ``height``; a context manager."""

    def __init__(self, profile: Path, width: int = 1440, height: int = 900):
        self.profile = profile
        self.complaints: list[str] = []
        self.requested: list[str] = []
        self._numbers = itertools.count(1)
        self._left = b""
        self._session: str | None = None
        self._size = (width, height)

    def __enter__(self):
        (theirs_in, ours_out), (ours_in, theirs_out) = os.pipe(), os.pipe()
        high = [fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, 20) for number in (theirs_in, theirs_out)]
        for number in (theirs_in, theirs_out):
            os.close(number)
        self._out, self._in = ours_out, ours_in
        # it reads orders from descriptor 3 and writes answers to 4, whatever they are here
        shell = ["bash", "-c", f'exec "$@" 3<&{high[0]} 4>&{high[1]}', "chromium"]
        self.process = subprocess.Popen(
            [*shell, PROGRAM, *FLAGS, f"--user-data-dir={self.profile}", "about:blank"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, pass_fds=high,
        )  # fmt: skip
        for number in high:
            os.close(number)
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self._call(f"{domain}.enable")
        self.resize(*self._size)
        return self

    def __exit__(self, *_):
        self._session = None
        try:
            self._call("Browser.close")
        except (OSError, AssertionError):  # it is gone
            self.process.kill()
        self.process.wait(TIMEOUT)
        os.close(self._out)
        os.close(self._in)

    # --- looking ------------------------------------------------------------------------------------------------------

    def open(self, url: str) -> None:
        self._call("Page.navigate", url=url)
        self.wait_for("document.readyState === 'complete'")

    def see(self, expression: str) -> Any:
        """The value of a JavaScript expression."""
        answer = self._call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, (expression, answer["exceptionDetails"])
        return answer["result"].get("value")

    def wait_for(self, expression: str, timeout: float = TIMEOUT) -> None:
        """Until it is true, looked at with every frame that the browser draws."""
        script = f"""new Promise((done) => {{
            const end = performance.now() + {timeout * 1000};
            const look = () => {{
                let now = false;
                try {{ now = Boolean({expression}); }} catch (error) {{ now = false; }}
                if (now || performance.now() > end) done(now); else requestAnimationFrame(look);
            }};
            look();
        }})"""
        assert self.see(script), f"never: {expression}\n{self.text('body')}\n{self.complaints}"

    def text(self, selector: str) -> str:
        return self.see(f"document.querySelector({json.dumps(selector)})?.innerText ?? ''")

    def wait_text(self, selector: str, text: str) -> None:
        """Until an element's text has it; ``#said`` is the display's."""
        self.wait_for(
            f"(document.querySelector({json.dumps(selector)})?.textContent ?? '').includes({json.dumps(text)})"
        )

    def picture(self, *, whole: bool = True) -> bytes:
        """A PNG of the page."""
        size = self._call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        shot = self._call("Page.captureScreenshot", captureBeyondViewport=whole, **({"clip": clip} if whole else {}))
        return base64.b64decode(shot["data"])

    def names(self) -> list[tuple[str, str]]:
        """Role and accessible name of everything that a screen reader meets."""
        nodes = self._call("Accessibility.getFullAXTree")["nodes"]
        return [
            (node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes if not node.get("ignored")
        ]

    # --- doing --------------------------------------------------------------------------------------------------------

    def resize(self, width: int, height: int, *, ratio: float = 1, mobile: bool = False) -> None:
        self._call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=ratio, mobile=mobile
        )
        self._call("Emulation.setTouchEmulationEnabled", enabled=mobile)

    def light(self, scheme: str) -> None:
        """``light`` or ``dark``."""
        self._call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def place(self, selector: str) -> tuple[float, float]:
        """The middle of an element, scrolled into view."""
        found = self.see(f"""(() => {{
            const element = document.querySelector({json.dumps(selector)});
            element.scrollIntoView({{block: 'nearest'}});
            const box = element.getBoundingClientRect();
            return [box.x + box.width / 2, box.y + box.height / 2, box.width * box.height];
        }})()""")
        assert found[2] > 0, f"not to be seen: {selector}"
        return found[0], found[1]

    def mouse(self, kind: str, x: float, y: float, buttons: int = 0) -> None:
        button = "left" if kind != "mouseMoved" else "none"
        self._call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button=button, buttons=buttons, clickCount=1)

    def press(self, selector: str) -> None:
        x, y = self.place(selector)
        self.mouse("mouseMoved", x, y)
        self.mouse("mousePressed", x, y, 1)

    def let_go(self, selector: str) -> None:
        self.mouse("mouseReleased", *self.place(selector))

    def click(self, selector: str) -> None:
        self.press(selector)
        self.let_go(selector)

    def drag(self, source: str, target: str) -> None:
        """With the mouse; both must be in view together."""
        self.place(target)
        (x, y), (to_x, to_y) = self.place(source), self.place(target)
        self.mouse("mouseMoved", x, y)
        self.mouse("mousePressed", x, y, 1)
        for step in range(1, 6):
            self.mouse("mouseMoved", x + (to_x - x) * step / 5, y + (to_y - y) * step / 5, 1)
        self.mouse("mouseReleased", to_x, to_y)

    def touch_drag(self, source: str, target: str) -> None:
        """With a finger."""
        self.place(target)
        (x, y), (to_x, to_y) = self.place(source), self.place(target)
        self._call("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
        for step in range(1, 6):
            points = [{"x": x + (to_x - x) * step / 5, "y": y + (to_y - y) * step / 5}]
            self._call("Input.dispatchTouchEvent", type="touchMove", touchPoints=points)
        self.see(f"new Promise((done) => setTimeout(done, {REST}))")
        self._call("Input.dispatchTouchEvent", type="touchMove", touchPoints=points)
        self._call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    def tap(self, selector: str) -> None:
        """With a finger."""
        x, y = self.place(selector)
        self._call("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
        self._call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    def key(self, kind: str, key: str) -> None:
        """``keyDown`` or ``keyUp`` of a character or a named key."""
        number, text = NAMED.get(key, (ord(key[0].upper()), key))
        code = key if key in NAMED else "Space" if key == " " else f"{'Digit' if key.isdigit() else 'Key'}{key.upper()}"
        more = {"text": text, "unmodifiedText": text} if kind == "keyDown" and text else {}
        self._call("Input.dispatchKeyEvent", type=kind, key=key, code=code, windowsVirtualKeyCode=number, **more)

    def type(self, *keys: str) -> None:
        for key in keys:
            self.key("keyDown", key)
            self.key("keyUp", key)

    # --- the pipe -----------------------------------------------------------------------------------------------------

    def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._out, data) :]
        deadline = time.monotonic() + 2 * TIMEOUT
        while True:
            answer = self._receive(deadline)
            if answer.get("id") == number:
                assert "error" not in answer, (method, answer["error"])
                return answer["result"]
            self._note(answer)

    def _note(self, event: dict[str, Any]) -> None:
        match event.get("method"):
            case "Runtime.exceptionThrown":
                self.complaints.append(json.dumps(event["params"]["exceptionDetails"]))
            case "Log.entryAdded" if event["params"]["entry"]["level"] in {"error", "warning"}:
                self.complaints.append(event["params"]["entry"]["text"])
            case "Network.requestWillBeSent":
                self.requested.append(event["params"]["request"]["url"])
            case "Network.webSocketCreated":
                self.requested.append(event["params"]["url"])

    def _receive(self, deadline: float) -> dict[str, Any]:
        with selectors.DefaultSelector() as selector:
            selector.register(self._in, selectors.EVENT_READ)
            while b"\0" not in self._left:
                assert selector.select(max(0.0, deadline - time.monotonic())), "the browser does not answer"
                read = os.read(self._in, 1 << 20)
                assert read, "the browser is gone"
                self._left += read
        message, _, self._left = self._left.partition(b"\0")
        return json.loads(message)
