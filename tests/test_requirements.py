"""Every requirement of municipal policy is held by a test that names it."""

from tests.support import requirements

REQUIRED = {
    *(f"POL-{number}" for number in range(1, 9)), *(f"DIA-{number}" for number in range(3, 14)),
    *(f"ROU-{number}" for number in range(1, 16)), *(f"INT-{number}" for number in range(2, 8)),
    *(f"CAL-{number}" for number in range(1, 5)), "PAR-2", "PAR-4", "PAR-5",
}  # fmt: skip
"""What municipal policy must keep."""
FAMILIES = {"POL": 8, "DIA": 13, "ROU": 19, "INT": 15, "PAR": 10, "REP": 11, "CAL": 4}


def test_a_mark_names_a_requirement_that_exists() -> None:
    known = {f"{family}-{number}" for family, last in FAMILIES.items() for number in range(1, last + 1)}

    assert requirements.held().keys() <= known


def test_every_requirement_of_policy_is_held_by_a_test_that_names_it() -> None:
    assert sorted(REQUIRED - requirements.held().keys()) == []


def test_marks_are_found_on_a_test_a_parametrised_test_and_a_whole_module() -> None:
    source = """
pytestmark = [pytest.mark.requirement("POL-1")]

@pytest.mark.parametrize("case", [pytest.param(1, marks=pytest.mark.requirement("DIA-3"))])
async def test_one(case): ...

@pytest.mark.requirement("ROU-6", "ROU-7")
def test_two(): ...

def helper(): ...
"""

    assert set(requirements.marked(source)) == {
        ("test_one", "DIA-3"), ("test_one", "POL-1"),
        ("test_two", "ROU-6"), ("test_two", "ROU-7"), ("test_two", "POL-1"),
    }  # fmt: skip
