import pytest

from appliance import __version__, cli
from appliance.cli import COMMANDS, main


def test_version(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"appliance {__version__}\n"


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["demo", "--nonsense"], ["softcard", "--model", "none"]])
def test_usage_is_exit_2(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage: appliance" in capsys.readouterr().err


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name, capsys):
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert ended.value.code == 0
    assert f"usage: appliance {name}" in capsys.readouterr().out


def test_a_command_gets_its_options_and_gives_the_exit_code(monkeypatch):
    seen = []

    def run(options):
        seen.append(options.level)
        return 3

    command = cli.Command(lambda parser: parser.add_argument("--level", type=int), run, "for this test")
    monkeypatch.setattr(cli, "COMMANDS", {"try": lambda: command})
    assert main(["try", "--level", "7"]) == 3
    assert seen == [7]
