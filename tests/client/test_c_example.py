"""The C example is compiled without a warning and talks to a real server."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.client.conftest import Daemon

SOURCE = Path(__file__).parents[2] / "examples" / "c" / "edgerund_infer.c"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler")
    found = subprocess.run(
        [compiler, "-E", "-include", "zmq.h", "-xc", "/dev/null"], check=False, capture_output=True
    )
    if found.returncode != 0:
        pytest.skip("no zmq.h (libzmq3-dev)")
    out = tmp_path_factory.mktemp("c") / "edgerund_infer"
    flags = [
        "-std=c99",
        "-O1",
        "-Wall",
        "-Wextra",
        "-Wpedantic",
        "-Werror",
        "-fsanitize=address,undefined",
    ]
    subprocess.run([compiler, *flags, "-o", out, SOURCE, "-lzmq"], check=True, timeout=60)
    return out


def run(program: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [program, *map(str, arguments)], check=False, capture_output=True, text=True, timeout=30
    )


def test_it_prints_the_variant_and_the_top_label(program: Path, shared_daemon: Daemon) -> None:
    done = run(program, shared_daemon.endpoint)
    assert (done.returncode, done.stdout, done.stderr) == (0, "v1 cat\n", "")


def test_it_sends_a_ppm(program: Path, shared_daemon: Daemon, tmp_path: Path) -> None:
    image = tmp_path / "red.ppm"
    image.write_bytes(b"P6\n# a comment with 7 in it\n5 4\n255\n" + bytes(60))
    done = run(program, shared_daemon.endpoint, image)
    assert (done.returncode, done.stdout, done.stderr) == (0, "v1 cat\n", "")


@pytest.mark.parametrize(
    "content", [b"", b"P5 5 4 255 ", b"P6 5 4 255 short", b"P6 0 4 255 ", b"P6 5 4 65535 ", b"P6 5"]
)
def test_a_wrong_image_is_refused(program: Path, tmp_path: Path, content: bytes) -> None:
    image = tmp_path / "wrong.ppm"
    image.write_bytes(content)
    done = run(program, "ipc:///nowhere", image)
    assert done.returncode == 2
    assert done.stderr.startswith("cannot read")


def test_a_missing_image_and_a_wrong_address_are_refused(program: Path, tmp_path: Path) -> None:
    assert run(program, "ipc:///nowhere", tmp_path / "missing.ppm").returncode == 2
    assert run(program, "nonsense").returncode == 2
    assert run(program).returncode == 2


def test_nobody_there_is_no_answer(program: Path, tmp_path: Path) -> None:
    done = run(program, f"ipc://{tmp_path}/absent.sock", "-", 50)
    assert done.returncode == 16
    assert "within 50 ms" in done.stderr


def test_an_error_reply_is_told_with_its_code(program: Path, tmp_path: Path) -> None:
    import threading

    import zmq

    from edgerund.errors import Busy
    from edgerund.wire import encode_reply, error_reply, split

    with zmq.Context() as context, context.socket(zmq.ROUTER) as server:
        server.linger = 0
        server.bind(f"ipc://{tmp_path}/busy.sock")

        def refuse() -> None:
            parts = split(server.recv_multipart())
            assert parts is not None
            server.send_multipart(
                encode_reply(parts[0], error_reply(Busy('cannot queue "it": full'), "c-1"))
            )

        thread = threading.Thread(target=refuse)
        thread.start()
        done = run(program, f"ipc://{tmp_path}/busy.sock")
        thread.join()
    assert (done.returncode, done.stderr) == (16, 'busy: cannot queue "it": full\n')
