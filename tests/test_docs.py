"""The documentation agrees with the code and with itself."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

import edgerund.errors
from edgerund.cli import main
from edgerund.config.card import card_schema
from edgerund.config.ladder import load_ladder
from edgerund.config.ladder_file import ladder_schema
from edgerund.config.policy import parse_policy, policy_schema
from edgerund.config.settings import Settings
from edgerund.config.source import parse_yaml, validate
from edgerund.daemon.handlers import Operations
from edgerund.errors import EngineError
from edgerund.registry import BUILT_IN, names_built_in
from edgerund.serve.loader import load_resident
from tools.reference.pages import PAGES, page

ROOT = Path(__file__).resolve().parents[1]
PAGES_OF_PROSE = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
NAMES = [str(p.relative_to(ROOT)) for p in PAGES_OF_PROSE]
SCHEMAS = {
    "settings": Settings.model_json_schema(),
    "policy": policy_schema(),
    "ladder": ladder_schema(),
    "card": card_schema(),
}


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(name: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text_of(name), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_made_from_the_code_is_fresh(name: str) -> None:
    assert text_of(name) == page(ROOT, name), "run: python -m tools.reference"


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_somewhere(name: str) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", text_of(name)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (ROOT / name).parent / path if path else ROOT / name
        assert file.exists(), f"{name} links to {target}"
        if anchor:
            assert anchor in anchors(file.read_text(encoding="utf-8")), f"{name} links to {target}"


def anchors(text: str) -> set[str]:
    """Named ones, and titles by GitHub's rule: lower case, spaces to dashes, punctuation dropped."""
    named = re.findall(r'<a id="([^"]+)">', text)
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {*named, *(re.sub(r"[^\w\- ]", "", t.lower()).replace(" ", "-") for t in titles)}


@pytest.mark.parametrize("name", NAMES)
def test_python_examples_are_python(name: str) -> None:
    for block in blocks(name, "python"):
        compile(block, name, "exec")


@pytest.mark.parametrize("name", NAMES)
def test_files_that_are_named_exist(name: str) -> None:
    named = re.findall(
        r"`((?:docs|tests|tools|systemd|examples|policies|edgerund)/[\w./-]+)`", text_of(name)
    )
    missing = [n for n in named if not (ROOT / n).exists() and not (ROOT / "edgerund" / n).exists()]
    assert missing == []


def test_modules_that_rooms_names_exist() -> None:
    prose = text_of("docs/rooms.md").partition("<!--")[0]
    for module in re.findall(r"`([a-z_]+/(?:[a-z_]+\.py)?)`", prose):
        assert (ROOT / "edgerund" / module).exists(), module


def test_examples_of_settings_and_policies_are_valid() -> None:
    found = {"ladders": 0, "policy": 0}
    for name in NAMES:
        for block in blocks(name, "yaml"):
            data = yaml.safe_load(block)
            if "ladders" in data:
                validate(Settings, parse_yaml(block, name))
                found["ladders"] += 1
            elif "policy" in data:
                parse_policy(block, name)
                found["policy"] += 1
    assert min(found.values()) > 0


def test_the_shipped_settings_are_valid() -> None:
    text = text_of("systemd/edgerund.yaml")
    validate(Settings, parse_yaml(text, "edgerund.yaml"))
    validate(
        Settings, parse_yaml(re.sub(r"^# (?=\w+: )", "", text, flags=re.MULTILINE), "edgerund.yaml")
    )


@pytest.mark.parametrize("kind", SCHEMAS)
def test_every_key_has_a_description(kind: str) -> None:
    schema = SCHEMAS[kind]
    parts: dict[str, Any] = {kind: schema, **schema.get("$defs", {})}
    bare = [
        f"{part}.{key}"
        for part, definition in parts.items()
        for key, prop in definition.get("properties", {}).items()
        if not prop.get("description") and "$ref" not in str(prop)
    ]
    assert bare == []


def test_the_drawn_error_tree_is_the_real_one() -> None:
    drawn = edgerund.errors.__doc__ or ""
    for name, cls in vars(edgerund.errors).items():
        if (
            isinstance(cls, type)
            and issubclass(cls, edgerund.errors.EdgerundError)
            and name != "EdgerundError"
        ):
            line = re.search(rf"── {name}\s+(\d+)\s+(\S+) ", drawn)
            assert line is not None, f"{name} is not drawn"
            inherited = name == "RequestError"
            assert int(line[1]) == cls.exit_code
            assert line[2] == (cls.wire_code or "-") or inherited


def test_every_built_in_plugin_is_in_the_documentation() -> None:
    whole = "".join(p.read_text(encoding="utf-8") for p in PAGES_OF_PROSE)
    for kind in BUILT_IN:
        missing = [name for name in names_built_in(kind) if f"`{name}`" not in whole]
        assert missing == [], f"{kind} without a word in docs/"


def test_every_argument_of_the_command_line_says_what_it_means() -> None:
    assert re.findall(r"^\| `.*\|  \|$", text_of("docs/reference/cli.md"), re.MULTILINE) == []


@pytest.mark.parametrize("folder", ["docs", "docs/decisions"])
def test_the_index_of_a_folder_is_complete(folder: str) -> None:
    index = text_of(f"{folder}/README.md")
    pages = {p.name for p in (ROOT / folder).glob("*.md")} - {"README.md"}
    assert {p for p in pages if f"({p})" not in index} == set()


def test_the_backend_that_is_built_on_its_page_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, *_ = blocks("docs/writing-a-backend.md", "python")
    ladder = next(b for b in blocks("docs/writing-a-backend.md", "yaml") if "ladder:" in b)
    (tmp_path / "my_package").mkdir()
    (tmp_path / "my_package" / "npz_backend.py").write_text(code)
    (tmp_path / "ladder.yaml").write_text(ladder)
    weights = np.arange(12, dtype=np.float32).reshape(4, 3)
    np.savez(tmp_path / "weights.npz", weights=weights)
    monkeypatch.syspath_prepend(tmp_path)
    plan = load_ladder(tmp_path)
    resident = load_resident(plan, plan.variants[0], threads=1)
    assert resident.engine.infer([np.eye(1, 4, dtype=np.float32)])[0].tolist() == [[0.0, 1.0, 2.0]]
    resident.engine.close()
    with pytest.raises(EngineError, match="closed"):
        resident.engine.infer([np.eye(1, 4, dtype=np.float32)])


def test_every_operation_of_the_control_socket_is_described() -> None:
    known = {n for n, f in vars(Operations).items() if callable(f) and not n.startswith("_")}
    assert set(re.findall(r"^\| `(\w+)` \|", text_of("docs/control.md"), re.MULTILINE)) == known


def test_variants_of_the_bundled_ladder_are_named_right() -> None:
    names = {v.name for v in load_ladder(ROOT / "variants" / "cifar10").variants}
    for name in ("README.md", "docs/operator.md", "docs/control.md"):
        named = re.findall(
            r'pin cifar10 (\S+)|"ladder": "cifar10", "variant": "(\S+?)"', text_of(name)
        )
        assert {a or b for a, b in named} <= names


def test_the_readme_shows_the_bundled_ladder_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ladder", "show", str(ROOT / "variants" / "cifar10")]) == 0
    assert blocks("README.md", "text") == [capsys.readouterr().out.strip() + "\n"]


def test_the_two_commands_of_the_readme_are_there() -> None:
    commands = re.findall(r"^(tools/\w+)", "".join(blocks("README.md", "sh")), re.MULTILINE)
    assert commands == ["tools/demo", "tools/test"]
    assert all(os.access(ROOT / c, os.X_OK) for c in commands)
    assert "step tools/test" in text_of(".ci/run")
