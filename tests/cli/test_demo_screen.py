"""What the demo writes behind temperature and charge comes from its policy file."""

from __future__ import annotations

from edgerund.cli.demo import POLICY
from edgerund.cli.demo_screen import limits_of
from edgerund.config.policy import load_policy, parse_policy


def test_the_demo_tells_the_limits_of_its_own_policy() -> None:
    policy = load_policy(POLICY)
    assert policy.temp is not None
    below = policy.rules[0].when[0].below
    assert below is not None
    assert limits_of(policy) == (f"   limit {policy.temp.max_c:g} C", f"   reserve {below:g} %")


def test_another_policy_has_other_limits_or_none() -> None:
    other = parse_policy(
        "{policy: x, constraints: {temp_c: {max: 61}, battery: {reserve_percent: 30}}}"
    )
    assert limits_of(other) == ("   limit 61 C", "   reserve 30 %")
    assert limits_of(parse_policy("policy: x")) == ("", "")
