"""The settings file: what it accepts, and how it says what it does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgerund.config.assembly import load_assembly
from edgerund.config.settings import Settings, load_settings
from edgerund.errors import ConfigError
from tests.ladders import classifier_ladder

LADDERS = "ladders: [{path: cifar10}]\n"


def read(folder: Path, text: str) -> Settings:
    file = folder / "edgerund.yaml"
    file.write_text(text)
    return load_settings(file)[0]


def mistake(folder: Path, text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read(folder, text)
    return str(caught.value).removeprefix(f"{folder}/")


def test_only_ladders_are_required(tmp_path: Path) -> None:
    settings = read(tmp_path, LADDERS)
    assert settings.metrics is None
    assert settings.tick_s == 1.0
    assert mistake(tmp_path, "tick_s: 1") == "edgerund.yaml:1: ladders: this key is required"


@pytest.mark.parametrize("written", ["0660", "0o660", '"0660"', '"660"'])
def test_permissions_are_octal_however_they_are_written(tmp_path: Path, written: str) -> None:
    assert read(tmp_path, f"{LADDERS}socket_mode: {written}").socket_mode == 0o660


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("660", "cannot use the permissions 660: write them in octal, such as 0660"),
        ('"0888"', "cannot read the permissions '0888': write 0660"),
    ],
)
def test_permissions_that_are_not_octal_are_named_with_their_line(
    tmp_path: Path, written: str, message: str
) -> None:
    assert (
        mistake(tmp_path, f"{LADDERS}socket_mode: {written}")
        == f"edgerund.yaml:2: socket_mode: {message}"
    )


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("tick_z: 1", "tick_z: unknown key"),
        ("tick_s: .inf", "tick_s: cannot use a value that is not finite"),
        ("tick_s: 0", "tick_s: Input should be greater than or equal to 0.05, but it is 0"),
        ("metrics: {port: 70000}", "metrics.port: Input should be less than or equal to 65535"),
        ("recorder: {}", "recorder.file: this key is required"),
        ("ladders: []", "ladders: cannot give the same key twice"),
    ],
)
def test_every_mistake_has_its_line(tmp_path: Path, text: str, place: str) -> None:
    assert mistake(tmp_path, LADDERS + text).startswith(f"edgerund.yaml:2: {place}")


def test_no_ladder_may_take_the_name_of_a_socket_of_the_daemons_own(tmp_path: Path) -> None:
    classifier_ladder(tmp_path / "watch", top={})
    ladder = tmp_path / "watch" / "ladder.yaml"
    ladder.write_text(ladder.read_text().replace("ladder: toy", "ladder: watch"))
    settings = tmp_path / "edgerund.yaml"
    settings.write_text("ladders:\n  - path: watch\n")
    with pytest.raises(ConfigError, match=r"edgerund.yaml:2.*a socket of the daemon's own"):
        load_assembly(settings)


def test_an_endpoint_must_say_its_transport(tmp_path: Path) -> None:
    text = "ladders:\n  - path: cifar10\n    endpoints: [localhost:5571]\n"
    assert "cannot listen on 'localhost:5571': write ipc:///path or tcp://address:port" in mistake(
        tmp_path, text
    )
