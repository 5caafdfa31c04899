from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from edgerund.client.endpoint import find_endpoint, ladders, runtime_dirs
from edgerund.errors import StartError, UsageError


def folder(path: Path, *names: str) -> Path:
    path.mkdir(parents=True)
    for name in names:
        (path / name).touch()
    return path


def test_the_only_ladder_is_found(tmp_path: Path) -> None:
    run = folder(tmp_path / "run", "cifar10.sock", "control.sock", "edgerund.pid")
    assert find_endpoint(runtime_dir=run) == f"ipc://{run}/cifar10.sock"


def test_several_ladders_are_named(tmp_path: Path) -> None:
    run = folder(tmp_path / "run", "b.sock", "a.sock", "control.sock")
    with pytest.raises(UsageError, match="a, b in"):
        find_endpoint(runtime_dir=run)
    assert find_endpoint("b", runtime_dir=str(run)) == f"ipc://{run}/b.sock"


def test_no_ladder_says_where_it_looked(tmp_path: Path) -> None:
    with pytest.raises(StartError, match=str(tmp_path)):
        find_endpoint(runtime_dir=tmp_path / "absent")
    with pytest.raises(StartError, match=f"{tmp_path}/edgerund or /run/edgerund"):
        find_endpoint(environ={"XDG_RUNTIME_DIR": str(tmp_path)})


def test_a_named_ladder_need_not_be_up(tmp_path: Path) -> None:
    assert find_endpoint("later", runtime_dir=tmp_path) == f"ipc://{tmp_path}/later.sock"


def test_the_users_own_daemon_comes_first(tmp_path: Path) -> None:
    environ = {"XDG_RUNTIME_DIR": str(tmp_path)}
    assert runtime_dirs(environ) == [tmp_path / "edgerund", Path("/run/edgerund")]
    assert runtime_dirs({}) == [Path("/run/edgerund")]
    assert find_endpoint("x", environ=environ) == "ipc:///run/edgerund/x.sock"
    folder(tmp_path / "edgerund", "x.sock")
    assert find_endpoint("x", environ=environ) == f"ipc://{tmp_path}/edgerund/x.sock"
    assert find_endpoint(environ=environ) == f"ipc://{tmp_path}/edgerund/x.sock"


def test_an_endpoint_is_taken_as_it_is_and_alone() -> None:
    assert find_endpoint(endpoint="tcp://10.0.0.2:5557") == "tcp://10.0.0.2:5557"
    with pytest.raises(UsageError, match="one or the other"):
        find_endpoint("x", endpoint="tcp://10.0.0.2:5557")
    with pytest.raises(UsageError, match="one or the other"):
        find_endpoint(endpoint="tcp://10.0.0.2:5557", runtime_dir="/run")


@pytest.mark.parametrize("name", ["", "..", ".", "../x", "a/b"])
def test_a_ladders_name_is_no_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="slash"):
        find_endpoint(name, runtime_dir=tmp_path)


def test_a_folder_that_is_not_there_has_no_ladders(tmp_path: Path) -> None:
    assert ladders(tmp_path / "absent") == []


def test_the_client_imports_nothing_but_numpy_and_zmq() -> None:
    heavy = ["pydantic", "yaml", "onnxruntime", "PIL", "prometheus_client", "edgerund.config"]
    code = f"import edgerund, sys; edgerund.Client; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
