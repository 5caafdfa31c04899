"""Every command refuses nonsense with one clear sentence and a numbered exit, and never with a traceback."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import pytest

from edgerund.cli import COMMANDS, main


def run(*argv: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main(list(argv))
        except SystemExit as e:  # argparse
            code = int(e.code or 0)
    return code, out.getvalue(), err.getvalue()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str) -> None:
    code, out, _ = run(command, "--help")
    assert code == 0
    assert command in out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_refuses_an_option_it_does_not_know(command: str) -> None:
    code, _, err = run(command, "--no-such-option")
    assert code == 2
    assert "usage:" in err


ASKING = ("status", "why", "unpin demo", "pin demo top", "reload")


@pytest.mark.parametrize("command", ASKING)
@pytest.mark.parametrize("more", [[], ["--json"]])
def test_without_a_daemon_it_is_one_sentence_that_says_what_to_do(
    command: str, more: list[str], tmp_path: Path
) -> None:
    code, out, err = run(*command.split(), "--runtime-dir", str(tmp_path), *more)
    assert (code, out) == (14, "")
    assert err.startswith("edgerund: cannot reach the daemon: there is no socket")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("argv", "code", "words"),
    [
        (["nosuch"], 2, "invalid choice"),
        ([], 2, "required"),
        (["pin", "demo"], 2, "variant"),
        (["pin", "demo", "top", "--for", "soon"], 2, "write 90s, 10m, 2h or 1d"),
        (["pin", "demo", "top", "--for", "0s"], 2, "write 90s, 10m, 2h or 1d"),
        (["pin", "demo", "top", "--for", "-5m"], 2, "expected one argument"),
        (["unpin"], 2, "ladder"),
        (["serve", "--config", "/nowhere.yaml"], 10, "/nowhere.yaml"),
        (["bench", "/nowhere", "--baseline"], 10, "/nowhere"),
        (["bench"], 2, "required"),
        (["bench", "--swap-every", "often"], 2, "invalid float"),
        (["bench", "--swap-every", "0"], 2, "above 0"),
        (["bench", "--swap-every", "1", "--clients", "0"], 2, "above 0"),
        (["bench", "--swap-every", "4", "--seconds", "2"], 2, "--seconds"),
        (["bench", "--swap-every", "nan"], 2, "above 0"),
        (["bench", "--baseline", "--variant", "nosuch"], 2, "nosuch"),
        (["demo", "--seconds", "1"], 2, "20 s"),
        (["demo", "--ladder", "/nowhere"], 10, "/nowhere"),
        (["status", "--runtime-dir", "/" + "x" * 120], 14, "cannot reach the daemon"),
    ],
)
def test_nonsense_is_refused(argv: list[str], code: int, words: str) -> None:
    got, _, err = run(*argv)
    assert (got, words in err, "Traceback" in err) == (code, True, False), err


def test_the_version_is_told() -> None:
    code, out, _ = run("--version")
    assert code == 0
    assert out.startswith("edgerund ")
