"""Where cases and data are that others made: beside the checkout, or where the environment says. Tests skip without."""

import os
from pathlib import Path

_BESIDE = Path(__file__).resolve().parents[3] / "shared"

ACCEPTANCE = Path(os.environ.get("OPSTAP_ACCEPTANCE", _BESIDE / "acceptance"))
"""`decisions.json` and `terms.json`."""
DATA = Path(os.environ.get("OPSTAP_TEST_DATA", _BESIDE / "data"))
"""`brp-test-persons.json`: official fictitious persons of the population register."""
