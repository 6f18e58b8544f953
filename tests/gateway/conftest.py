import contextlib
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from appliance.simulator.broker import IotcoreBroker

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "bench")]

import mosquitto  # noqa: E402 -- found only after the line above
from scripted_vault import ScriptedVault  # noqa: E402 -- same


class Gateway:
    """The real process, started as the unit starts it."""

    def __init__(self, folder: Path, url: str, requests: str, more: str) -> None:
        self.file = folder / "appliance.toml"
        self.file.write_text(
            f'[device]\nid = "cps-demo"\n[mqtt]\nurl = "{url}"\nrequests = "{requests}"\n'
            f'[paths]\nrun = "{folder}"\nstate = "{folder}"\n{more}'
        )
        self.process = None

    def start(self, **environment):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "appliance.gateway", "--config", str(self.file)],
            stderr=subprocess.PIPE,
            text=True,
            env={"PATH": "/usr/bin:/bin", **environment},
        )
        self._said = ""
        self._news = threading.Condition()
        self._listener = threading.Thread(target=self._listen, args=(self.process.stderr,))
        self._listener.start()
        return self

    def _listen(self, stream):
        with stream:
            for line in stream:
                with self._news:
                    self._said += line
                    self._news.notify_all()

    def wait_log(self, text):
        with self._news:
            assert self._news.wait_for(lambda: text in self._said, 30), self._said

    def log(self):
        """All it said; for a process that has ended."""
        self._listener.join(30)
        return self._said

    def kill(self):
        self.process.kill()
        self.process.wait(30)

    def end(self):
        if self.process.poll() is None:
            self.kill()
        self._listener.join(30)

    def stop(self):
        self.process.terminate()
        return self.process.wait(30)


@pytest.fixture
def folder():
    with tempfile.TemporaryDirectory(prefix="cps-gw-") as name:  # short: a socket's path has 107 bytes
        yield Path(name)


@pytest.fixture(params=["iotcore", "mosquitto"])
def broker(request, folder):
    if request.param == "mosquitto" and mosquitto.missing():
        pytest.skip(mosquitto.missing())
    with IotcoreBroker() if request.param == "iotcore" else mosquitto.PrivateMosquitto(folder / "broker") as running:
        running.kind = request.param
        yield running


@pytest.fixture
def vault(folder):
    with ScriptedVault(folder / "link.sock") as scripted:
        yield scripted


@pytest.fixture
def make_gateway(folder):
    with contextlib.ExitStack() as ends:

        def make(url, requests="broker", more="", **environment):
            gateway = Gateway(folder, url, requests, more).start(**environment)
            ends.callback(gateway.end)
            return gateway

        yield make


@pytest.fixture
def gateway(make_gateway, broker):
    return make_gateway(broker.url)
