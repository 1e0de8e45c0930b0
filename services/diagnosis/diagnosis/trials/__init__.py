"""Trying a draft of the policy against the whole present caseload, without changing anything (POL-6)."""
