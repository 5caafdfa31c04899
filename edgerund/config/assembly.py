"""All that a settings file names, read and checked as a whole: ladders, policy, sockets. All or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edgerund.config.ladder import load_ladder
from edgerund.config.policy import load_policy
from edgerund.config.settings import LadderSettings, Settings, default_runtime_dir, load_settings
from edgerund.config.share import SYSTEM_SETTINGS, shared_file
from edgerund.config.source import Document
from edgerund.errors import ConfigError, Problem
from edgerund.rundir import RESERVED, ladder_socket
from edgerund.types import LadderPlan
from edgerund.types.policy import PolicyPlan


@dataclass(frozen=True, slots=True)
class Assembly:
    """What the daemon is to run. ``file`` is None where nobody wrote settings: the bundled ladder."""

    file: Path | None
    settings: Settings
    ladders: Mapping[str, tuple[LadderPlan, LadderSettings]]
    policy: PolicyPlan
    policy_file: Path
    runtime_dir: Path


def load_assembly(file: Path | None) -> Assembly:
    """Read everything.

    Raises:
        ConfigError: every mistake in every file.
    """
    if file is None and SYSTEM_SETTINGS.exists():
        file = SYSTEM_SETTINGS
    if file is None:
        settings = Settings(ladders=(LadderSettings(path=shared_file("variants/cifar10")),))
        document = Document("the default settings", {})
    else:
        settings, document = load_settings(file)
    base = file.parent if file is not None else Path.cwd()
    problems: list[Problem] = []
    ladders: dict[str, tuple[LadderPlan, LadderSettings]] = {}
    for i, entry in enumerate(settings.ladders):
        try:
            plan = load_ladder(_resolve(base, entry.path, "variants"))
        except ConfigError as e:
            problems += e.problems
            continue
        if plan.name in ladders:
            problem = f"cannot serve two ladders of the name {plan.name!r}"
            problems.append(document.problem(("ladders", i, "path"), problem))
        if ladder_socket(Path(), plan.name).name in RESERVED:
            problem = f"cannot serve a ladder of the name {plan.name!r}: a socket of the daemon's own is called so"
            problems.append(document.problem(("ladders", i, "path"), problem))
        ladders[plan.name] = (plan, entry)
    policy_file = _policy_file(base, settings.policy)
    policy = None
    try:
        policy = load_policy(policy_file)
    except ConfigError as e:
        problems += e.problems
    if problems or policy is None:
        raise ConfigError(problems)
    runtime_dir = settings.runtime_dir or default_runtime_dir()
    return Assembly(file, settings, ladders, policy, policy_file, runtime_dir)


def _resolve(base: Path, path: Path, folder: str) -> Path:
    """A path beside the settings file; else the name of something bundled, such as ``cifar10``."""
    beside = base / path
    if not beside.exists() and len(path.parts) == 1:
        bundled = shared_file(f"{folder}/{path}")
        if bundled.exists():
            return bundled
    return beside


def _policy_file(base: Path, policy: Path | None) -> Path:
    name = policy or Path("default")
    if len(name.parts) == 1 and not name.suffix and not (base / name).exists():
        return shared_file(f"policies/{name}.yaml")
    return _resolve(base, name, "policies")
