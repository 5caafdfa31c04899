"""A reader is one file and one table line: taking both away leaves everything else as it was."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import edgerund.sensors
from edgerund.sensors import ON_REQUEST, TABLE

ROOM = Path(edgerund.sensors.__file__).parent
MODULES = {name: target.partition(":")[0].rpartition(".")[2] for name, target in TABLE.items()}
PROGRAM = """
import json, sys
from pathlib import Path
import edgerund.sensors
from edgerund.clock import ManualClock
from edgerund.sensors.fake_board import FakeBoard
from edgerund.sensors.hub import SensorHub
from edgerund.sensors.sysroot import FileRoot
from edgerund.types import Reading
assert str(Path(edgerund.__file__)).startswith(sys.argv[1]), edgerund.__file__
board = FakeBoard(Path(sys.argv[2]))
board.zone("tj-thermal", 45.5); board.rail("VDD_IN", 7000); board.battery(50, power_mw=5000)
hub = SensorHub(FileRoot(board.root), ManualClock())
hub.poll_due()
senses = hub.senses()
print(json.dumps({"readers": [s.name for s in hub.status()],
                  "found": sorted(n for n, s in senses.items() if isinstance(s, Reading))}))
"""


@pytest.mark.parametrize("name", sorted(MODULES))
def test_no_reader_imports_another(name: str) -> None:
    others = {f"edgerund.sensors.{m}" for n, m in MODULES.items() if n != name}
    tree = ast.parse((ROOM / f"{MODULES[name]}.py").read_text("utf-8"))
    imported = {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.module} | {
        a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names
    }
    assert not imported & others


def test_nothing_else_in_the_room_imports_a_reader() -> None:
    readers = {f"edgerund.sensors.{m}" for m in MODULES.values()}
    for path in ROOM.rglob("*.py"):
        if path.stem not in MODULES.values():
            text = path.read_text("utf-8")
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.ImportFrom):
                    assert node.module not in readers, (path, node.module)


def test_without_its_file_and_its_table_line_a_reader_is_gone_and_nothing_else(
    tmp_path: Path,
) -> None:
    copy = tmp_path / "copy" / "edgerund"
    shutil.copytree(ROOM.parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    whole = look(copy.parent, tmp_path / "board")
    for name in ("ina3221", "thermal", "power_supply", "load"):
        table = copy / "sensors" / "__init__.py"
        text = table.read_text("utf-8")
        reader = copy / "sensors" / f"{MODULES[name]}.py"
        away = reader.rename(tmp_path / reader.name)
        kept = "\n".join(line for line in text.split("\n") if not line.startswith(f'    "{name}":'))
        assert kept != text
        table.write_text(kept, "utf-8")
        found = look(copy.parent, tmp_path / "board")
        away.rename(reader)
        table.write_text(text, "utf-8")
        assert found["readers"] == [r for r in whole["readers"] if r != name]
        lost = set(whole["found"]) - set(found["found"])
        assert lost, f"{name} brought nothing"
        assert not set(found["found"]) - set(whole["found"])


def look(package: Path, board: Path) -> dict[str, list[str]]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(package), str(board)],
        cwd=package,
        env={"PYTHONPATH": str(package), "PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found


def test_reading_the_board_imports_no_heavy_library() -> None:
    program = (
        "import sys; before = set(sys.modules)\n"
        "from edgerund.clock import ManualClock\n"
        "from edgerund.sensors.hub import SensorHub\n"
        "from edgerund.sensors.sysroot import FileRoot\n"
        "from edgerund.sensors import TABLE\n"
        "hub = SensorHub(FileRoot(), ManualClock(), [n for n in TABLE if n not in ('mavlink', 'network')])\n"
        "print(sorted({m.partition('.')[0] for m in set(sys.modules) - before}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    loaded = set(ast.literal_eval(done.stdout.strip().splitlines()[-1]))
    assert not loaded & {"numpy", "pymavlink", "jtop", "pynvml", "onnxruntime", "PIL"}


def test_what_opens_sockets_or_starts_processes_runs_only_when_named() -> None:
    assert {"jetson_stats", "mavlink", "network"} == ON_REQUEST
    assert set(TABLE) >= ON_REQUEST
