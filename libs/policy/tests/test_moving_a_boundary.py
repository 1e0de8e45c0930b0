"""Policy is data: change a pack and the outcome and the digest follow, with no change of code."""

from datetime import date
from pathlib import Path

import pytest

from policy import Facts, Library, load_draft

ON = date(2024, 6, 1)
BASE = "_shared/leidschendam-voorburg-voorschoten-wassenaar-2019.yaml"


def edit(file: Path, *changes: tuple[str, str]) -> None:
    text = file.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    file.write_text(text, encoding="utf-8")


def test_a_boundary_moved_in_a_pack_moves_the_outcome_and_the_digest(library: Library, folder: Path) -> None:
    edit(folder / "uithoorn" / "2021-01-01.yaml", ("0..39", "0..49"), ("40..69", "50..69"))

    moved, before = Library.load(folder).in_force("GM0451", ON), library.in_force("GM0451", ON)

    facts = Facts(work_capacity_pct=45)
    assert (before.decide(facts, ON).category, moved.decide(facts, ON).category) == ("40-70", "0-40")
    assert before.digest != moved.digest
    assert moved.decide(facts, ON).receipt.pack.digest == moved.digest


def test_a_boundary_moved_in_the_base_moves_every_pack_that_extends_it_and_no_other(
    library: Library, folder: Path
) -> None:
    edit(folder / BASE, ("0..3}", "0..4}"), ("4..12}", "5..12}"))

    changed = Library.load(folder)

    for pack, before in zip(changed, library, strict=True):
        on = pack.valid_from
        assert (pack.digest == before.digest) == (pack.extends is None)
        if pack.extends is not None:
            assert pack.decide(Facts(distance_months=4), on).category == "1A"


def test_remarks_and_layout_leave_the_digest_alone(library: Library, folder: Path) -> None:
    edit(folder / "uithoorn" / "2021-01-01.yaml", ("name: Uithoorn\n", "\n\n# een opmerking\nname:   'Uithoorn'\n"))

    assert Library.load(folder).in_force("GM0451", ON).digest == library.in_force("GM0451", ON).digest


def test_an_edition_without_change_has_the_same_digest_wherever_it_stands(library: Library, folder: Path) -> None:
    assert [pack.digest for pack in Library.load(folder)] == [pack.digest for pack in library]


@pytest.mark.requirement("POL-4")
def test_a_new_edition_is_a_new_file_and_the_old_decisions_stay_as_they_were(library: Library, folder: Path) -> None:
    old = folder / "uithoorn" / "2021-01-01.yaml"
    new = folder / "uithoorn" / "2026-01-01.yaml"
    new.write_text(old.read_text(encoding="utf-8"), encoding="utf-8")
    edit(new, ("id: uithoorn-2021", "id: uithoorn-2026"), ("valid_from: 2021-01-01", "valid_from: 2026-01-01"))
    edit(old, ("valid_from: 2021-01-01", "valid_from: 2021-01-01\nvalid_to: 2025-12-31"))

    changed = Library.load(folder)

    assert changed.in_force("GM0451", date(2025, 12, 31)).id == "uithoorn-2021"
    assert changed.in_force("GM0451", date(2026, 1, 1)).id == "uithoorn-2026"
    facts = Facts(work_capacity_pct=45)
    assert (
        changed.in_force("GM0451", ON).decide(facts, ON).category
        == library.in_force("GM0451", ON).decide(facts, ON).category
    )


def test_a_sixth_municipality_is_a_pack_and_no_code(folder: Path) -> None:
    home = folder / "amstelveen"
    home.mkdir()
    text = (folder / "uithoorn" / "2021-01-01.yaml").read_text(encoding="utf-8")
    (home / "2024-01-01.yaml").write_text(
        text.replace("uithoorn-2021", "amstelveen-2024")
        .replace("GM0451", "GM0362")
        .replace("name: Uithoorn", "name: Amstelveen")
        .replace("valid_from: 2021-01-01", "valid_from: 2024-01-01")
        .replace("40-70", "midden"),
        encoding="utf-8",
    )

    decision = (
        Library.load(folder).in_force("GM0362", ON).decide(Facts(work_capacity_pct=50, prospect_of_work=True), ON)
    )

    assert (decision.category, decision.referral_partner) == ("midden", "am-match")


@pytest.mark.requirement("POL-6")
def test_a_draft_outside_the_folder_is_tried_before_it_is_adopted(
    library: Library, folder: Path, tmp_path: Path
) -> None:
    draft = tmp_path / "draft.yaml"
    draft.write_text((folder / "wassenaar" / "2019-01-01.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    edit(draft, ("id: wassenaar-2019", "id: wassenaar-draft"))

    pack = load_draft(draft, folder)

    assert pack.id == "wassenaar-draft"
    assert pack.decide(Facts(distance_months=8), ON).category == "1B"
    assert "wassenaar-draft" not in {adopted.id for adopted in library}
