"""Pure decisions: ``decide(policy, state, snapshot) -> (state, decisions)``. Touches no world."""
