"""The network of a policy that a reload brings: loaded, and held against the ladders, before anything is replaced."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgerund.config.assembly import Assembly
from edgerund.config.source import read_yaml
from edgerund.daemon.advisor import Advisor
from edgerund.errors import ConfigError
from edgerund.policy.learned import width

if TYPE_CHECKING:
    from edgerund.daemon.supervisor import Supervisor


class NextNetwork:
    """``advisor`` is the one to come; None where the policy names no network, or keeps its own."""

    def __init__(self, daemon: Supervisor, new: Assembly) -> None:
        terms = new.policy.learned
        self._new = new
        self._kept = daemon.controller.advisor
        self.advisor: Advisor | None = None
        if terms is not None and terms != daemon.assembly.policy.learned:
            self.advisor = Advisor(terms, daemon.clock)

    @property
    def loads(self) -> bool:
        """It has to be waited for."""
        return self.advisor is not None and not self.advisor.ready

    def mistake(self, now_s: float, *, late: bool) -> ConfigError | None:
        """Why this network cannot be used, as a mistake of the policy file; ``late``: it had time enough."""
        advisor = self.advisor or self._kept
        if advisor is None or self._new.policy.learned is None:
            return None
        advisor.keep_alive(now_s)
        why = advisor.refused or self._misfit(advisor)
        if why is None and late and self.loads:
            why = f"cannot use {advisor.terms.file} as a policy: {advisor.trouble}"
        if why is None:
            return None
        return ConfigError([read_yaml(self._new.policy_file).problem(("learned", "file"), why)])

    def discard(self) -> None:
        """Nothing comes of it."""
        if self.advisor is not None:
            self.advisor.discard()

    def _misfit(self, advisor: Advisor) -> str | None:
        for name, (plan, _) in self._new.ladders.items():
            count = len(plan.variants)
            if advisor.terms.ladders and name not in advisor.terms.ladders:
                continue
            if advisor.variants not in (None, count):
                return (
                    f"cannot use {advisor.terms.file} as a policy for ladder {name!r}: it scores {advisor.variants} "
                    f"variants, this ladder has {count} and needs {width(count)} numbers in and {count} out"
                )
        return None
