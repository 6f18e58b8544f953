"""Design §3: who may import whom, which rooms are pure, who owns which library; and that no test sleeps."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from layers import PURE_ROOMS, breaches, imports_of, room_of, sleeps

ROOT = Path(__file__).resolve().parent.parent
PRODUCT = sorted((ROOT / "appliance").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT / "appliance").with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@pytest.mark.parametrize("path", PRODUCT, ids=lambda path: str(path.relative_to(ROOT)))
def test_module_keeps_the_house_rules(path):
    assert breaches(module_name(path), path.read_text("utf-8")) == []


BAD = [
    ("card.tlv", "import asyncio"),
    ("card.tlv", "import os.path"),
    ("card.tlv", "from pathlib import Path"),
    ("card.tlv", "def f():\n    import time"),
    ("card.tlv", "from appliance.vault import pcsc"),
    ("card.tlv", "open('x')"),
    ("signing.jws", "import datetime\ndatetime.datetime.now()"),
    ("signing.jws", "import socket"),
    ("contract.topics", "from appliance.card import tlv"),
    ("keypad.entry", "async def f(): pass"),
    ("vault.flow", "import sqlite3"),
    ("vault.flow_card", "import threading"),
    ("vault.flow", "from appliance.vault import journal"),
    ("vault.flow", "from .journal import Journal"),
    ("vault.pcsc", "from appliance.vault.service import run"),
    ("vault.pcsc", "import luma.core"),
    ("vault.keys", "import smartcard.scard"),
    ("vault.service", "from appliance import gateway"),
    ("vault.service", "import appliance.gateway.bridge"),
    ("vault.service", "from appliance.simulator import desk"),
    ("vault.service", "import importlib\nimportlib.import_module('appliance.simulator.vault')"),
    ("vault.service", "import importlib\nimportlib.import_module(chosen)"),
    ("vault.service", "import subprocess\nsubprocess.run(['python', '-m', 'appliance.simulator.vault'])"),
    ("gateway.service", "from appliance.vault import service"),
    ("gateway.bridge", "import paho.mqtt.client"),
    ("gateway.mqtt", "from appliance.card import apdu"),
    ("client.transport", "from appliance.gateway import mqtt"),
    ("link.messages", "import asyncio"),
    ("simulator.softcps3", "from appliance.card.tlv import parse"),
    ("simulator.softfiles", "from appliance.card import tlv"),
    ("simulator.pki", "from ..card import certificate"),
    ("simulator.vpcd", "import appliance.card.apdu"),
    ("simulator.desk", "from appliance.vault.flow import step"),
    ("simulator.reading", "import paho"),
    ("contract.events", "import requests"),
    ("attic.things", "import json"),
    ("errors", "from appliance import config"),
]


@pytest.mark.parametrize(("module", "source"), BAD)
def test_breach_is_found(module, source):
    assert breaches(module, source)


GOOD = [
    ("vault.service", "import asyncio, os\nfrom appliance.vault import pcsc, flow\nfrom appliance.link import channel"),
    ("vault.pcsc", "from smartcard import scard\nfrom appliance.card.script import play"),
    ("simulator.vault", "from appliance.vault import service"),
    ("cli", "def f():\n    from appliance.simulator import desk"),
    ("signing.consent", "import datetime\nfrom appliance.screen.text import wrap\ndatetime.timedelta(1)"),
    ("gateway.mqtt", "import paho.mqtt.client\nfrom .bridge import Bridge"),
    ("card.cps3", "from appliance import __version__"),
]


@pytest.mark.parametrize(("module", "source"), GOOD)
def test_what_is_allowed_is_allowed(module, source):
    assert breaches(module, source) == []


def test_rooms_are_told_apart():
    assert room_of("vault.flow_card") == "flow"
    assert room_of("vault.flower") == "vault adapters"
    assert room_of("simulator.softcps3") == "soft cards"
    assert room_of("simulator.desk") == "simulator"
    assert room_of("link.channel") == "channel"


def test_every_pure_room_has_modules():
    assert {room_of(module_name(path)) for path in PRODUCT} >= PURE_ROOMS


def test_journeys_press_keys_and_read_pixels_only():
    journeys = [path for path in TESTS if "journeys" in path.parts]
    assert journeys
    for path in journeys:
        for name, line in imports_of(ast.parse(path.read_text("utf-8")), ""):
            inside = name.startswith(("appliance.vault", "appliance.gateway"))
            assert not inside, f"{path.relative_to(ROOT)}:{line} imports {name}"


@pytest.mark.parametrize("path", TESTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_test_sleeps(path):
    assert sleeps(path.read_text("utf-8")) == []


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("import time\ntime.sleep(1)", 1),
        ("from time import sleep\nsleep(0)", 1),
        ("import asyncio\nasync def f():\n    await asyncio.sleep(0.1)", 1),
        ("import asyncio\nasync def f():\n    await asyncio.sleep(0)", 0),
        ("desk.wait_for('PIN')", 0),
    ],
)
def test_a_sleep_is_found(source, count):
    assert len(sleeps(source)) == count


@pytest.mark.parametrize("service", ["vault", "gateway"])
def test_shipped_service_never_reaches_the_simulator(service):
    other = {"vault": "gateway", "gateway": "vault"}[service]
    code = f"import sys, appliance.{service}.__main__, appliance.{service}.service; print('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    loaded = done.stdout.split()
    assert f"appliance.{service}.service" in loaded
    assert [name for name in loaded if name.startswith(("appliance.simulator", f"appliance.{other}"))] == []
