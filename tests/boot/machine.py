"""A machine that booted systemd, with edgerund installed in it as the operator guide says."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.waiting import wait_for

REPO = Path(__file__).resolve().parents[2]
SYSTEMD_NS = REPO.parent / "shared" / "tools" / "systemd-ns"
PYTHON = "/usr/bin/python3"
SETTINGS_FILE = "/etc/edgerund/edgerund.yaml"


def why_not() -> str | None:
    """Why no systemd can be booted here; None where it can."""
    if os.geteuid() != 0:
        return "not root"
    if not SYSTEMD_NS.exists():
        return "the tool systemd-ns is not beside this checkout"
    if not Path("/lib/systemd/systemd").exists():
        return "no systemd"
    if not any((Path("/sys/fs/cgroup") / name).exists() for name in ("unified", "cgroup.procs")):
        return "no cgroup v2"
    usable = "import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 10))"
    if subprocess.run([PYTHON, "-c", usable], check=False, capture_output=True).returncode:
        return f"{PYTHON} is missing, too old, or has no venv module"
    return None


class Machine:
    """``folder`` is seen inside as /host."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.chmod(0o755)

    def boot(self) -> None:
        """Start systemd; skips where the kernel does not let us."""
        done = subprocess.run(
            [SYSTEMD_NS, "start", self.folder],
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )
        if done.returncode:
            pytest.skip(f"systemd does not boot here: {done.stderr.strip() or done.stdout.strip()}")

    def off(self) -> None:
        if (self.folder / "init.pid").exists():
            subprocess.run([SYSTEMD_NS, "stop", self.folder], check=True, timeout=60)

    def run(self, *command: str, ok: bool = True) -> str:
        """Run a command inside; returns what it said."""
        # what pip is told outside may name files that are not there inside
        env = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
        done = subprocess.run(
            [SYSTEMD_NS, "enter", self.folder, *command],
            check=False,
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=180,
        )
        said = done.stdout + done.stderr
        assert not ok or done.returncode == 0, f"{' '.join(command)}: {said}"
        return said

    def install(self) -> None:
        """What docs/operator.md says under "As a service", without a network."""
        wheels = self.folder / "wheels"
        subprocess.run([PYTHON, "-m", "venv", self.folder / "build"], check=True, timeout=60)
        pip = str(self.folder / "build" / "bin" / "pip")
        command = [pip, "wheel", "--quiet", "-w", str(wheels), f"{REPO}[ort]"]
        subprocess.run(command, check=True, timeout=300)
        self.run(PYTHON, "-m", "venv", "/opt/edgerund")
        pip_inside = ["/opt/edgerund/bin/pip", "install", "--quiet", "--no-index"]
        self.run(*pip_inside, "--find-links", "/host/wheels", "edgerund[ort]")
        shutil.copytree(REPO / "systemd", self.folder / "systemd")
        self.run("mkdir", "-p", "/etc/edgerund", "/etc/sysusers.d")
        self.run("cp", "/host/systemd/edgerund.sysusers", "/etc/sysusers.d/edgerund.conf")
        self.run("systemd-sysusers")
        self.run("cp", "/host/systemd/edgerund.service", "/etc/systemd/system/")
        self.run("systemctl", "daemon-reload")

    def drop_in(self, text: str) -> None:
        """As `systemctl edit edgerund` would."""
        (self.folder / "drop-in.conf").write_text(text)
        folder = "/etc/systemd/system/edgerund.service.d"
        self.run("mkdir", "-p", folder)
        self.run("cp", "/host/drop-in.conf", f"{folder}/override.conf")
        self.run("systemctl", "daemon-reload")

    def configure(self, settings: dict[str, Any]) -> None:
        """Write the settings file, as an editor would: by rename."""
        (self.folder / "settings.yaml").write_text(yaml.safe_dump(settings))
        self.run("install", "-m", "0644", "/host/settings.yaml", f"{SETTINGS_FILE}.new")
        self.run("mv", f"{SETTINGS_FILE}.new", SETTINGS_FILE)

    def start(self) -> None:
        """Start the service; what it logged explains a failure."""
        said = self.run("systemctl", "start", "edgerund", ok=False)
        assert self.show("ActiveState") == "active", said + self.journal()

    def show(self, name: str) -> str:
        """One property of the unit."""
        return self.run("systemctl", "show", "edgerund", "--value", "--property", name).strip()

    def wait_until(self, name: str, value: str, within_s: float = 20.0) -> None:
        wait_for(lambda: self.show(name) == value, within_s, f"{name}={value}")

    def journal(self) -> str:
        return self.run("journalctl", "--no-pager", "-u", "edgerund", "-o", "cat")

    @property
    def root(self) -> Path:
        """The machine's file system, from outside."""
        pid = (self.folder / "init.pid").read_text().strip()
        return Path(f"/proc/{pid}/root")

    @property
    def runtime_dir(self) -> Path:
        return self.root / "run" / "edgerund"

    def signal(self, pid: int, name: str) -> None:
        """Send a signal to a process by its number inside."""
        self.run("kill", f"-{name}", str(pid))
