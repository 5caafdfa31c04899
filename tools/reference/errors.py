"""Exit codes and wire codes, from the error tree."""

from __future__ import annotations

from collections.abc import Iterator

from edgerund.errors import EdgerundError
from tools.reference.markdown import table

NOT_OURS = [
    ("0", "done"),
    ("1", "a mistake inside edgerund: please report it with its traceback"),
    ("130", "Ctrl-C"),
]


def errors() -> str:
    """The page."""
    tree = list(_walk(EdgerundError, 0))
    rows = [
        (f"{'&nbsp;' * 4 * depth}`{c.__name__}`", str(c.exit_code), _wire(c), _sentence(c))
        for depth, c in tree
    ]
    return "\n".join(
        [
            "## Exit codes",
            "",
            table(("exit", "meaning"), NOT_OURS + _exits([c for _, c in tree])),
            "",
            "## Error classes",
            "",
            "Every class is in `edgerund.errors`; indented ones are kinds of the one above.",
            "",
            table(("class", "exit", "wire code", "meaning"), rows),
        ]
    )


def _walk(cls: type[EdgerundError], depth: int) -> Iterator[tuple[int, type[EdgerundError]]]:
    yield depth, cls
    for sub in cls.__subclasses__():
        if sub.__module__ == EdgerundError.__module__:
            yield from _walk(sub, depth + 1)


def _exits(classes: list[type[EdgerundError]]) -> list[tuple[str, str]]:
    first: dict[int, type[EdgerundError]] = {}
    for c in classes[1:]:
        first.setdefault(c.exit_code, c)
    return [(str(code), _sentence(c)) for code, c in sorted(first.items())]


def _wire(cls: type[EdgerundError]) -> str:
    return f"`{cls.wire_code}`" if cls.wire_code else "-"


def _sentence(cls: type[EdgerundError]) -> str:
    return (cls.__doc__ or "").partition("\n")[0].rstrip(".")
