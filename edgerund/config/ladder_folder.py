"""The files that a ladder names: inside its folder, there, and the ones that were measured."""

from __future__ import annotations

from pathlib import Path

from edgerund.checksum import file_sha256
from edgerund.config.card import CardFile, read_card
from edgerund.config.ladder_file import VariantFile
from edgerund.config.ladder_members import size_of
from edgerund.config.ladder_rules import Findings
from edgerund.config.source import Loc
from edgerund.errors import ConfigError

_MAX_LABEL_BYTES = 4 * 1024 * 1024


class LadderFolder:
    """One ladder's folder; what is wrong with its files goes to ``found``."""

    def __init__(self, folder: Path, found: Findings, hashes: bool) -> None:
        self.folder = folder.resolve()
        self.found = found
        self.hashes = hashes

    def inside(self, name: str, loc: Loc, exists: bool = True) -> Path | None:
        """The file of that name inside the ladder's folder, or None (and a mistake)."""
        try:
            path = (self.folder / name).resolve()
        except (OSError, ValueError, RuntimeError) as e:
            self.found.problem(loc, f"cannot use {name!r} as a file name: {e}")
            return None
        if not path.is_relative_to(self.folder):
            self.found.problem(loc, f"cannot use {name!r}: it lies outside the ladder's folder")
        elif exists and not path.is_file():
            self.found.problem(loc, f"cannot find the file {name!r} in {self.folder}")
        elif exists and path.stat().st_size == 0:
            self.found.problem(loc, f"cannot use {name!r}: the file is empty")
        else:
            return path
        return None

    def labels(self, name: str) -> tuple[str, ...]:
        """The lines of a labels file; nothing (and a mistake) where it cannot be read."""
        path = self.inside(name, ("labels_file",))
        if path is None:
            return ()
        try:
            with path.open("rb") as file:
                text = file.read(_MAX_LABEL_BYTES + 1)
            if len(text) > _MAX_LABEL_BYTES:
                self.found.problem(("labels_file",), f"cannot read {name!r}: larger than 4 MiB")
                return ()
            return tuple(line.strip() for line in text.decode().rstrip().splitlines())
        except (OSError, UnicodeDecodeError) as e:
            self.found.problem(("labels_file",), f"cannot read {name!r}: {e}")
            return ()

    def card(self, written: VariantFile, index: int) -> CardFile:
        """The card of a variant, from its file or as written inline; an empty one where there is none."""
        if isinstance(written.card, CardFile):
            return written.card
        path = self.inside(written.card, ("variants", index, "card")) if written.card else None
        try:
            return read_card(path) if path else CardFile()
        except ConfigError as e:
            self.found.extend(e.problems)
            return CardFile()

    def fingerprint(
        self, written: VariantFile, card: CardFile, path: Path | None, index: int
    ) -> str | None:
        """The SHA-256 that the file must have; compared with it where ``hashes`` asks for that."""
        loc: Loc = ("variants", index, "sha256" if written.sha256 else "card")
        expected = written.sha256 or card.sha256
        if written.sha256 and card.sha256 and written.sha256 != card.sha256:
            self.found.problem(loc, "cannot use this card: it is of a file with another sha256")
        if path is None:
            return expected
        size = size_of(path)
        if card.file_bytes is not None and size != card.file_bytes:
            self.found.problem(
                ("variants", index, "card"),
                f"cannot use this card: it is of a file of {card.file_bytes} bytes, {path.name} has {size}",
            )
        elif self.hashes and expected is None:
            self.found.warn(
                ("variants", index, "file"),
                f"no sha256: damage shows only when native code reads it; write sha256: {file_sha256(path)}",
            )
        elif self.hashes and expected and file_sha256(path) != expected:
            self.found.problem(
                loc,
                f"cannot use {path.name}: its sha256 differs, so the file was changed or damaged",
            )
        return expected
