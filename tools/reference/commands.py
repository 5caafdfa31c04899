"""Every command with its arguments, from the parsers themselves (argparse's own layout differs between Pythons)."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Iterator

from edgerund.cli import COMMANDS
from tools.reference.markdown import table


def commands() -> str:
    """The page."""
    summary = [(f"[`{name}`](#edgerund-{name})", text) for name, (_, text) in COMMANDS.items()]
    parts = [table(("command", "what it does"), summary)]
    for name, (module, text) in COMMANDS.items():
        root = argparse.ArgumentParser(prog="edgerund").add_subparsers()
        parser: argparse.ArgumentParser = importlib.import_module(module).add_parser(root)
        parts += _describe(parser, f"edgerund {name}", text, 2)
    return "\n\n".join(parts)


def _describe(parser: argparse.ArgumentParser, name: str, text: str, level: int) -> Iterator[str]:
    yield f"{'#' * level} `{name}`"
    yield " ".join((parser.description or text).split())
    rows, nested = [], []
    for action in parser._actions:  # argparse offers no public way to read a parser
        if isinstance(action, argparse._SubParsersAction):
            summaries = {a.dest: a.help or "" for a in action._choices_actions}
            nested = [
                (sub, choice, summaries.get(sub, "")) for sub, choice in action.choices.items()
            ]
        elif not isinstance(action, argparse._HelpAction):
            rows.append((f"`{_form(action)}`", _default(action), _help(action)))
    if rows:
        yield table(("argument", "default", "meaning"), rows)
    for sub, choice, summary in nested:
        yield from _describe(choice, f"{name} {sub}", summary, level + 1)


def _form(action: argparse.Action) -> str:
    value = _value(action)
    if not action.option_strings:
        return {"?": f"[{value}]", "*": f"[{value} ...]", "+": f"{value} ..."}.get(
            str(action.nargs), value
        )
    names = ", ".join(action.option_strings)
    return names if action.nargs == 0 else f"{names} {value}"


def _value(action: argparse.Action) -> str:
    if isinstance(action.metavar, str):
        return action.metavar
    if action.choices is not None:
        return "{" + ",".join(map(str, action.choices)) + "}"
    return action.dest.upper()


def _default(action: argparse.Action) -> str:
    if action.required:
        return "required"
    if action.default in (None, False, argparse.SUPPRESS, "", [], ()):
        return "-"
    return f"`{action.default}`"


def _help(action: argparse.Action) -> str:
    text = (action.help or "").replace("%%", "%")
    return text.replace("%(default)s", str(action.default))
