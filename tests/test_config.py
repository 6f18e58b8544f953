"""The configuration: design §6 as values, every refusal with file and line, and nothing but our error."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from appliance import config
from appliance.config import Config, load, parse
from appliance.environment import Environment
from appliance.errors import ConfigError

DEVICE = '[device]\nid = "cps-demo"\n'


def test_defaults_are_those_of_the_design():
    box = parse(DEVICE)
    assert box.device.id == "cps-demo"
    assert (box.mqtt.url, box.mqtt.prefix, box.mqtt.requests, box.mqtt.tls) == (
        "mqtt://127.0.0.1:1883",
        "cpsr/v1",
        "off",
        None,
    )
    assert (box.mqtt.host, box.mqtt.port, box.mqtt.encrypted) == ("127.0.0.1", 1883, False)
    assert box.reader.share == "exclusive"
    assert box.keypad.rows == (5, 6, 13, 19)
    assert box.keypad.columns == (12, 16, 20, 21)
    assert box.keypad.layout == "123A456B789C*0#D"
    assert (box.display.driver, box.display.port, box.display.address) == ("ssd1306", 1, 0x3C)
    assert box.signing.allow_digest is True
    assert box.limits.requests_per_minute == 5
    assert (box.paths.state, box.paths.run) == (Path("/var/lib/cps-appliance"), Path("/run/cps-appliance"))
    times = box.timeouts
    assert (times.first_digit, times.next_digit, times.entry, times.reminder) == (30, 15, 60, 10)
    assert (times.last_try, times.wait_card, times.result) == (30, 60, 5)


def test_a_client_without_a_list_may_sign_and_nothing_else():
    box = parse(DEVICE + '[rights]\nlogiciel-a = ["sign", "sign-raw"]\nlogiciel-b = []\n')
    assert box.rights_of("logiciel-a") == {"sign", "sign-raw"}
    assert box.rights_of("logiciel-b") == frozenset()
    assert box.rights_of("logiciel-c") == {"sign"}


def test_a_value_can_be_changed_and_its_neighbours_stay():
    box = parse(DEVICE + '[keypad]\nlayout = "1234567890ABCD*#"\n[timeouts]\nlast_try = 60\n')
    assert box.keypad.rows == (5, 6, 13, 19)
    assert box.keypad.layout == "1234567890ABCD*#"
    assert (box.timeouts.last_try, box.timeouts.result) == (60, 5)


@pytest.mark.parametrize(
    ("url", "host", "port", "encrypted"),
    [
        ("mqtt://localhost", "localhost", 1883, False),
        ("mqtt://127.9.9.9:18830", "127.9.9.9", 18830, False),
        ("mqtt://[::1]:1884", "::1", 1884, False),
        ("mqtts://broker.cabinet.example", "broker.cabinet.example", 8883, True),
        ("mqtts://broker:443", "broker", 443, True),
    ],
)
def test_url_is_read(url, host, port, encrypted):
    mqtt = parse(f'{DEVICE}[mqtt]\nurl = "{url}"\n').mqtt
    assert (mqtt.host, mqtt.port, mqtt.encrypted) == (host, port, encrypted)


def test_tls_files_are_read():
    text = (
        DEVICE + '[mqtt]\nurl = "mqtts://b"\n[mqtt.tls]\nca = "/etc/a.pem"\ncert = "/etc/c.pem"\nkey = "/etc/k.pem"\n'
    )
    tls = parse(text).mqtt.tls
    assert tls is not None
    assert (tls.ca, tls.cert, tls.key) == (Path("/etc/a.pem"), Path("/etc/c.pem"), Path("/etc/k.pem"))


REFUSED = [
    ("", "box.toml:1: device.id: is missing"),
    ("[device]\n", "box.toml:1: device.id: is missing"),
    ('[mqtt]\nurl = "mqtts://b"\n', "box.toml:1: device.id: is missing"),
    ('[device]\nid = "x"\n', "box.toml:2: device.id: "),
    ('[device]\nid = "CPS-DEMO"\n', "box.toml:2: device.id: "),
    ('[device]\nid = "cps-demo\\n"\n', "box.toml:2: device.id: "),
    (DEVICE + "colour = 1\n", "box.toml:3: device.colour: unknown key"),
    (DEVICE + "\n\n[mqqt]\n", "box.toml:5: mqqt: unknown key"),
    ("[device]\n'id' = 'cps-demo'\n[mqtt]\nmqtt.urll = 1\n", "box.toml:4: mqtt.mqtt: unknown key"),
    (DEVICE + "[mqtt]\n# x\nurll = 1\n", "box.toml:5: mqtt.urll: unknown key"),
    (DEVICE + "[mqtt.tls]\ncrt = 1\n", "box.toml:4: mqtt.tls.crt: unknown key"),
    (DEVICE + "mqtt = { urll = 1 }\n", "box.toml:3: device.mqtt: unknown key"),
    (DEVICE + "[card]\nfamily = 'cps3'\n", "box.toml:4: card.family: unknown key"),
    (DEVICE + "keypad = 3\n", "box.toml:3: device.keypad: unknown key"),
    ("keypad = 3\n" + DEVICE, "box.toml:1: keypad: Expected `object`"),
    (DEVICE + "[[mqtt]]\n", "box.toml:3: mqtt: Expected `object`"),
    (DEVICE + "[mqtt]\nrequests = 'paired'\n", 'box.toml:3: mqtt: requests = "paired" is not available'),
    (DEVICE + "[mqtt]\nrequests = 'yes'\n", "box.toml:4: mqtt.requests: Invalid enum value"),
    (DEVICE + "[mqtt]\nprefix = 'a/#'\n", "box.toml:4: mqtt.prefix: "),
    (DEVICE + "[mqtt]\nprefix = 'a//b'\n", "box.toml:4: mqtt.prefix: "),
    (DEVICE + "[mqtt]\nurl = 'mqtt://10.0.0.1'\n", "box.toml:3: mqtt: mqtt:// is for a broker on the box"),
    (DEVICE + "[mqtt]\nurl = 'mqtt://broker'\n", "box.toml:3: mqtt: mqtt:// is for a broker on the box"),
    (DEVICE + "[mqtt]\nurl = 'http://b'\n", "box.toml:3: mqtt: url is "),
    (DEVICE + "[mqtt]\nurl = 'mqtts://'\n", "box.toml:3: mqtt: url is "),
    (DEVICE + "[mqtt]\nurl = 'mqtts://b/x'\n", "box.toml:3: mqtt: url is "),
    (DEVICE + "[mqtt]\nurl = 'mqtts://u:p@b'\n", "box.toml:3: mqtt: url is "),
    (DEVICE + "[mqtt]\nurl = 'mqtts://b:0'\n", "box.toml:3: mqtt: url is "),
    (DEVICE + "[mqtt]\nurl = 'mqtts://b:70000'\n", "box.toml:3: mqtt: Port out of range"),
    (DEVICE + "[mqtt]\nurl = 'mqtts://[b'\n", "box.toml:3: mqtt: "),
    (DEVICE + "[mqtt]\nurl = 'mqtts://b b'\n", "box.toml:3: mqtt: url holds"),
    (DEVICE + '[mqtt]\nurl = "mqtts://b\\n"\n', "box.toml:3: mqtt: url holds"),
    (DEVICE + "[mqtt.tls]\nca = '/a'\n", "box.toml:3: mqtt: [mqtt.tls] needs an mqtts:// url"),
    (DEVICE + "[mqtt]\nurl='mqtts://b'\n[mqtt.tls]\nkey = '/a'\n", "box.toml:5: mqtt.tls: cert and key go together"),
    (DEVICE + "[rights]\nlogiciel-a = ['fly']\n", "box.toml:3: rights: Invalid enum value 'fly'"),
    (DEVICE + "[rights]\n'A/b' = ['sign']\n", "box.toml:3: rights: "),
    (DEVICE + "[reader]\nshare = 'open'\n", "box.toml:4: reader.share: "),
    (DEVICE + "[keypad]\nrows = [5, 6, 13]\n", "box.toml:4: keypad.rows: "),
    (DEVICE + "[keypad]\nrows = [5, 6, 13, 28]\n", "box.toml:4: keypad.rows: "),
    (DEVICE + "[keypad]\nrows = [5, 6, 13, 12]\n", "box.toml:1: file: GPIO 12 has two uses"),
    (DEVICE + "[keypad]\nrows = [2, 6, 13, 24]\n", "box.toml:1: file: GPIO 2, 24 has two uses"),
    (DEVICE + "[keypad]\nlayout = '123A456B789C*0#0'\n", "box.toml:3: keypad: layout names"),
    (DEVICE + "[keypad]\nlayout = '123'\n", "box.toml:4: keypad.layout: "),
    (DEVICE + "[display]\naddress = 0x3F\n", "box.toml:4: display.address: "),
    (DEVICE + "[timeouts]\nreminder = 15\n", "box.toml:3: timeouts: reminder"),
    (DEVICE + "[timeouts]\nentry = 20\n", "box.toml:3: timeouts: entry"),
    (DEVICE + "[timeouts]\nresult = 2.5\n", "box.toml:4: timeouts.result: "),
    (DEVICE + "[timeouts]\nresult = true\n", "box.toml:4: timeouts.result: "),
    (DEVICE + "[paths]\nstate = 'here'\n", "box.toml:4: paths.state: Expected an absolute path"),
    (DEVICE + '[paths]\nrun = "/a\\u0000"\n', "box.toml:4: paths.run: Expected an absolute path"),
    (DEVICE + "[paths]\nrun = 7\n", "box.toml:4: paths.run: Expected an absolute path"),
    (DEVICE + "[mqtt\n", "box.toml: "),
    ("a = " + "9" * 5000, "box.toml: "),
    ("a = " + "[" * 5000, "box.toml: "),
]


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_refusal_names_file_line_and_key(text, message):
    with pytest.raises(ConfigError) as refusal:
        parse(text, "box.toml")
    assert str(refusal.value).startswith(message)
    assert "\n" not in str(refusal.value)


BOUNDS = [
    ("timeouts", "first_digit", 5, 60),
    ("timeouts", "wait_card", 10, 300),
    ("timeouts", "last_try", 10, 120),
    ("timeouts", "result", 1, 60),
    ("timeouts", "entry", 30, 300),
    ("timeouts", "next_digit", 11, 60),
    ("timeouts", "reminder", 3, 14),
    ("limits", "requests_per_minute", 1, 60),
    ("display", "port", 0, 31),
]


@pytest.mark.parametrize(("table", "key", "low", "high"), BOUNDS)
def test_numbers_are_bounded(table, key, low, high):
    for value in (low, high):
        assert getattr(getattr(parse(f"{DEVICE}[{table}]\n{key} = {value}\n"), table), key) == value
    for value in (low - 1, high + 1, 2**70):
        with pytest.raises(ConfigError):
            parse(f"{DEVICE}[{table}]\n{key} = {value}\n")


def test_config_cannot_be_changed():
    box = parse(DEVICE)
    with pytest.raises(AttributeError):
        box.timeouts.result = 1


def test_load_reads_a_file(tmp_path):
    file = tmp_path / "box.toml"
    file.write_text(DEVICE, "utf-8")
    assert load(file) == load(str(file)) == parse(DEVICE)


def test_load_reads_etc_by_default(tmp_path, monkeypatch):
    assert Path("/etc/cps-appliance/appliance.toml") == config.DEFAULT_PATH
    monkeypatch.setattr(config, "DEFAULT_PATH", tmp_path / "none.toml")
    with pytest.raises(ConfigError, match=r"none.toml: No such file"):
        load()


@pytest.mark.parametrize(
    ("raw", "message"),
    [(b"\xff" + DEVICE.encode(), "not UTF-8 at byte 0"), (DEVICE.encode() + b"#" * 65536, "more than 65536 bytes")],
)
def test_load_refuses_what_is_no_text_of_ours(tmp_path, raw, message):
    file = tmp_path / "box.toml"
    file.write_bytes(raw)
    with pytest.raises(ConfigError, match=message):
        load(file)


TOML = st.recursive(
    st.one_of(st.integers(), st.booleans(), st.text(max_size=8), st.floats(allow_nan=False)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
TABLES = st.sampled_from([*Config.__struct_fields__, "other"])


def _toml(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case int() | float():
            return repr(value)
        case str():
            return '"' + "".join(f"\\U{ord(c):08x}" for c in value if not 0xD800 <= ord(c) <= 0xDFFF) + '"'
        case list():
            return "[" + ", ".join(map(_toml, value)) + "]"
        case dict():
            return "{" + ", ".join(f"{_toml(key)} = {_toml(inner)}" for key, inner in value.items()) + "}"
        case _:
            raise AssertionError(value)


@given(st.dictionaries(TABLES, st.dictionaries(st.sampled_from(["id", "url", "rows", "tls", "ca", "x"]), TOML)))
def test_any_toml_is_a_config_or_our_error(tables):
    text = "\n".join(
        f"[{table}]\n" + "\n".join(f"{key} = {_toml(value)}" for key, value in keys.items())
        for table, keys in tables.items()
    )
    refused = None
    try:
        assert isinstance(parse(text), Config)
    except ConfigError as error:
        refused = str(error)
    assert refused is None or refused.startswith("appliance.toml:")


@given(st.text())
@example('[device]\nid = "cps-demo"\n"\\n" = 1')
def test_any_text_is_a_config_or_our_error(text):
    try:
        assert isinstance(parse(text), Config)
    except ConfigError:
        assert text != DEVICE


def test_packaged_defaults_hold_no_more_than_the_wiring():
    table = tomllib.loads(Path(config.__file__).with_name("default.toml").read_text("utf-8"))
    assert set(table) == {"keypad", "display", "signals", "door"}


def test_environment_of_a_service_that_was_given_sockets():
    variables = {
        "NOTIFY_SOCKET": "/run/systemd/notify",
        "LISTEN_PID": "42",
        "LISTEN_FDS": "2",
        "LISTEN_FDNAMES": "link:admin",
    }
    given_ours = Environment.from_mapping(variables, 42)
    assert given_ours == Environment(notify_socket="/run/systemd/notify", sockets={"link": 3, "admin": 4})
    assert Environment.from_mapping(variables, 43) == Environment(notify_socket="/run/systemd/notify")


def test_environment_of_a_bare_process(monkeypatch):
    for name in ("NOTIFY_SOCKET", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"):
        monkeypatch.delenv(name, raising=False)
    assert Environment.from_process() == Environment()


@pytest.mark.parametrize(
    ("count", "names"), [("2", "link"), ("x", "link"), ("", "link"), ("2", "link:link"), ("-1", ""), ("1", "a:b")]
)
def test_contradictory_sockets_are_refused(count, names):
    with pytest.raises(ConfigError):
        Environment.from_mapping({"LISTEN_PID": "1", "LISTEN_FDS": count, "LISTEN_FDNAMES": names}, 1)


@pytest.mark.parametrize(
    ("table", "told"),
    [
        (
            '[display]\ndriver = "sh1107"',
            "display.driver: Invalid enum value 'sh1107'; known controllers are ssd1306 and",
        ),
        ("[display]\nheight = 32", "display: every screen is drawn for 128x64: no panel of 128x32 can show it"),
        ("[display]\nwidth = 64\nheight = 48", "no panel of 64x48"),
        ("[display]\ndim = 60\noff = 60", "display: dim must come before off"),
        ("[display]\ndim = 4", "display.dim"),
        ("[door]\npulse = 11", "door.pulse"),
        ("[signals]\nred = 24", "GPIO 24 has two uses"),
        ("[signals]\nsounds = true", "signals.sounds: unknown key"),
    ],
)
def test_what_panel_and_signals_cannot_be(table, told):
    with pytest.raises(ConfigError) as refused:
        parse(f"{DEVICE}\n{table}\n")
    assert told in str(refused.value)


def test_display_and_signals_as_shipped():
    config = parse(DEVICE)
    display, signals, door = config.display, config.signals, config.door
    assert (display.width, display.height, display.dim, display.off) == (128, 64, 30, 120)
    assert (signals.sound, signals.tamper_switch, door.pulse) == (True, True, 3.0)
    assert signals.gpios == (17, 27, 22, 18, 23, 25)
