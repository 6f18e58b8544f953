import argparse
import signal
import socket
import struct
import subprocess
import sys

import pytest

from appliance.simulator import softcard
from appliance.simulator.softcpx import Timing
from appliance.simulator.softmodels import MODELS

PROGRAM = """
import argparse, sys
from appliance.simulator import softcard
parser = argparse.ArgumentParser()
softcard.add_arguments(parser)
sys.exit(softcard.main(parser.parse_args()))
"""
RUN = [sys.executable, "-c", PROGRAM]


def parse(*words):
    parser = argparse.ArgumentParser()
    softcard.add_arguments(parser)
    return parser.parse_args(words)


def test_defaults():
    args = parse()
    assert (args.model, args.vpcd, args.serial, args.pin, args.puk, args.timing) == (
        "cps3",
        ("127.0.0.1", 35963),
        "99213845",
        None,  # what the model says
        "12345678",
        None,
    )


def test_a_time_of_its_own():
    assert parse("--timing", "15:0.4:500").timing == Timing(15, 0.4, 500)


@pytest.mark.parametrize("text", ["", "1", "1:2", "1:2:3:4", "a:b:c", "-1:0:0", "nan:0:0", "0:0:1e9"])
def test_bad_times(text, capsys):
    with pytest.raises(SystemExit):
        parse(f"--timing={text}")
    assert "milliseconds" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "host", ":1", "host:", "host:0", "host:65536", "host:x"])
def test_bad_addresses(text, capsys):
    with pytest.raises(SystemExit):
        parse("--vpcd", text)
    assert "HOST:PORT" in capsys.readouterr().err


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_serves_until_told_to_stop(tmp_path, how):
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20)
        port = server.getsockname()[1]
        command = [*RUN, "--vpcd", f"127.0.0.1:{port}", "--serial", "00000018", "--pki", str(tmp_path / "pki")]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            link, _ = server.accept()
            with link:
                assert (
                    process.stdout.readline()
                    == f"soft CPS3 8025000001 00000018 (test card) in vpcd at 127.0.0.1:{port}\n"
                )
                link.sendall(struct.pack(">HB", 1, 4))
                assert link.recv(2, socket.MSG_WAITALL) == struct.pack(">H", 17)
                process.send_signal(how)
                _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (0, "")
    assert (tmp_path / "pki" / "root.pem").exists()


def test_the_kept_pki_is_used_again(tmp_path):
    first = softcard._pki(tmp_path / "pki", MODELS["cpf"])
    assert softcard._pki(tmp_path / "pki", MODELS["cps3"]).signature.certificate == first.signature.certificate
    assert first.holder.family == "PETIT-TEST"
    assert softcard._pki(None, MODELS["cps3"]).holder.family == "DURAND-TEST"


def test_a_card_of_nobody_names_no_serial():
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20)
        command = [*RUN, "--vpcd", f"127.0.0.1:{server.getsockname()[1]}", "--model", "vitale"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            link, _ = server.accept()
            with link:
                assert process.stdout.readline().startswith("soft VITALE (test card) in vpcd")
                link.sendall(struct.pack(">HB", 1, 4))
                assert link.recv(2, socket.MSG_WAITALL) == struct.pack(">H", 10)
                process.terminate()
                process.communicate(timeout=20)
    assert process.returncode == 0


@pytest.mark.parametrize("model", ["mute", "reversed"])
def test_a_card_that_vpcd_cannot_show_is_refused(model, capsys):
    assert softcard.main(parse("--model", model)) == 1
    assert "without an ATR" in capsys.readouterr().err


def test_nobody_listens(capsys):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    before = signal.getsignal(signal.SIGTERM)
    assert softcard.main(parse("--vpcd", f"127.0.0.1:{port}")) == 1
    assert f"no vpcd at 127.0.0.1:{port}" in capsys.readouterr().err
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize("words", [("--pin", "12345"), ("--model", "pin12", "--pin", "123")])
def test_an_impossible_card(words, capsys):
    assert softcard.main(parse(*words)) == 1
    assert "digits" in capsys.readouterr().err


def test_the_reader_goes_away():
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20)
        command = [*RUN, "--vpcd", f"127.0.0.1:{server.getsockname()[1]}"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            server.accept()[0].close()
            _, errors = process.communicate(timeout=20)
    assert process.returncode == 1
    assert errors == "appliance softcard: the reader went away\n"
