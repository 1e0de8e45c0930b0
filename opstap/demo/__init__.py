"""The demonstration: a fictitious caseload lives through thirty months, driven over HTTP as front-ends would do it."""
