"""The command line: every sub-command exists, explains itself and keeps to the exit codes."""

import importlib
import subprocess
import sys

import pytest

from farsight.cli import COMMANDS, main
from farsight.local.errors import LocalError
from farsight.local.ports import Address, Listener, choose


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_of_the_table_explains_itself(name, capsys):
    """`farsight NAME --help` ends with 0; its module has the two functions the table promises."""
    module = importlib.import_module(COMMANDS[name].module)

    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])

    assert ended.value.code == 0
    assert f"usage: farsight {name}" in capsys.readouterr().out
    assert callable(module.run)


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["up", "--nonsense"], ["dead"]])
def test_bad_usage_is_exit_code_2(arguments, capsys):
    """No command, an unknown one, an unknown option, a missing action: usage and 2."""
    try:
        code = main(arguments)
    except SystemExit as ended:
        code = ended.code

    assert code == 2
    assert "usage: farsight" in "".join(capsys.readouterr())


def test_help_loads_no_sub_command():
    """`farsight --help` stays quick because no sub-command is imported for it."""
    code = "import sys; from farsight.cli import main; main([]); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "farsight.local" not in done.stdout
    assert "grpc" not in done.stdout


def test_a_remembered_port_is_kept_and_a_taken_one_replaced():
    """A free remembered port is used again; while it is held, another one is chosen."""
    listener = Listener("x")
    first = choose([listener], asked={}, remembered={})["x"]

    again = choose([listener], asked={}, remembered={"x": first})["x"]
    twice = choose([listener, Listener("y")], asked={}, remembered={"x": first, "y": first})

    assert again == first
    assert twice["x"] == first
    assert twice["y"] != first


def test_an_asked_port_is_never_replaced():
    """What the user asked for is used or refused, not silently changed."""
    taken = choose([Listener("x")], asked={}, remembered={})["x"]

    with pytest.raises(LocalError, match="asked for y"):
        choose([Listener("x"), Listener("y")], asked={"x": taken, "y": taken}, remembered={})


@pytest.mark.parametrize("text", ["", "x", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "a:b"])
def test_an_address_without_a_port_is_refused(text):
    """Only host:port or a port between 1 and 65535 is an address."""
    with pytest.raises(LocalError):
        Address.parse(text)
