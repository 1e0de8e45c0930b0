"""The page for policy officers speaks of everything that a pack may hold."""

from pathlib import Path

import pytest

from policy import AGE_BANDS, Pack
from policy.intake import Intake
from policy.references import FACTS, INDICATIONS
from policy.routing import Routing

README = (Path(__file__).resolve().parents[3] / "policies" / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "name", sorted({*Pack.model_fields, *Intake.model_fields, *Routing.model_fields, *FACTS, *INDICATIONS, *AGE_BANDS})
)
def test_the_page_speaks_of_every_key_fact_and_value(name: str) -> None:
    assert name in README
