"""What became of the networks of a recording: are they still there, and do they propose what they did then?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgerund.errors import EdgerundError
from edgerund.policy.learned import Question
from edgerund.types import Proposal
from edgerund.types.policy import LearnedTerms

if TYPE_CHECKING:
    from edgerund.learned.network import Network


@dataclass(slots=True)
class Networks:
    """Asks each network again, about exactly what it saw. It changes nothing: the recording tells what was said.

    ``asked`` counts proposals that were compared, ``same`` those that came out as recorded; ``missing`` says of each
    network that could not be asked why.
    """

    asked: int = 0
    same: int = 0
    missing: list[str] = field(default_factory=list)
    _found: dict[LearnedTerms, Network | None] = field(default_factory=dict)

    def compare(
        self, terms: LearnedTerms, asked: Mapping[str, Question], said: Mapping[str, Proposal]
    ) -> None:
        """Ask about one tick. What had no answer in time then is no question now."""
        if terms not in self._found:
            self._found[terms] = self._load(terms)
        network = self._found[terms]
        if network is None:
            return
        from edgerund.learned.network import proposal

        for name, question in asked.items():
            then = said.get(name)
            if then is not None and then.variant is not None:
                self.asked += 1
                self.same += proposal(network, question) == then

    def _load(self, terms: LearnedTerms) -> Network | None:
        from edgerund.learned.network import Network

        try:
            return Network(Path(terms.file), terms.sha256)
        except EdgerundError as e:
            self.missing.append(str(e))
            return None

    def plain(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"asked": self.asked, "same": self.same, "missing": list(self.missing)}
