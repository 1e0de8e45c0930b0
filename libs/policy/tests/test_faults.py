"""A wrong pack is refused, with all its faults at once, each with file, line, what was found and what is right."""
# ruff: noqa: E501 - a broken pack is a line of a table

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from policy import Fault, Library, PolicyErrors

BASE = "_shared/leidschendam-voorburg-voorschoten-wassenaar-2019.yaml"
UITHOORN, PIJNACKER = "uithoorn/2021-01-01.yaml", "pijnacker-nootdorp/2020-01-01.yaml"
VOORSCHOTEN, WASSENAAR = "voorschoten/2024-01-01.yaml", "wassenaar/2019-01-01.yaml"
VOORSCHOTEN_2019 = "voorschoten/2019-01-01.yaml"


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text, f"{old!r} is not in {file}"
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


def faults_in(folder: Path) -> tuple[Fault, ...]:
    with pytest.raises(PolicyErrors) as raised:
        Library.load(folder)
    assert all(fault.line >= 1 and fault.remedy and fault.file for fault in raised.value.faults)
    return raised.value.faults


BROKEN = [
    # name, file, what stands there, what is written instead, text on the line of the fault, what the fault says
    ("unknown key", UITHOORN, "name: Uithoorn", "name: Uithoorn\ncolour: green", "colour: green", "unknown key; allowed here are .*municipality"),
    ("unknown key in a rule", UITHOORN, "rules:\n        - {id: capacity-0-40,", "rules:\n        - {id: capacity-0-40, wen: 1,", "wen: 1", "unknown key; allowed here are .*when"),
    ("unknown key of a partner", UITHOORN, "    name: AM Match", "    name: AM Match\n    nickname: AM", "nickname: AM", "unknown key; allowed here are .*protocol"),
    ("missing key", UITHOORN, 'version: "1"\n', "", "", "this key is missing"),
    ("wrong type", UITHOORN, "norm: 35", "norm: many", "norm: many", "valid decimal"),
    ("a term that cannot be read", BASE, "within: 1 month, when_missed: close, source: {document: L", "within: a month, when_missed: close, source: {document: L", "within: a month", 'write for instance "24 months"'),
    ("unknown ground", BASE, "within: 8 weeks, ground: statutory", "within: 8 weeks, ground: legal", "ground: legal", "'statutory' or 'service_norm'"),
    ("a gap", UITHOORN, "work_capacity_pct: 40..69", "work_capacity_pct: 41..69", "id: capacity", "a gap: no rule holds for work_capacity_pct 40;"),
    ("a gap at the end", UITHOORN, "work_capacity_pct: 100..}", "work_capacity_pct: 100..200}", "id: capacity", "a gap: no rule holds for work_capacity_pct 201 of meer"),
    ("an overlap", UITHOORN, "work_capacity_pct: 40..69", "work_capacity_pct: 39..69", "id: capacity-40-70", "an overlap: rules capacity-0-40 and capacity-40-70 both hold for work_capacity_pct 39;"),
    ("a choice left out", PIJNACKER, '["yes", small_interventions]', '"yes"', "id: work-fit", "a gap: .*work_fit small_interventions"),
    ("an empty range", UITHOORN, "40..69", "69..40", "69..40", "before it starts"),
    ("a range that is none", UITHOORN, "40..69", "40-69", "40-69", "write a range"),
    ("an unknown fact", UITHOORN, "{work_capacity_pct: 40..69}", "{work_capacity: 40..69}", "work_capacity: 40..69", "no fact of that name here; choose from .*work_capacity_pct"),
    ("an unknown choice", PIJNACKER, 'work_fit: "no"', "work_fit: never", "work_fit: never", "choose from yes, small_interventions, no"),
    ("an unreachable rule", PIJNACKER, "rules:\n        - {id: exempted", "rules:\n        - {id: all-others, when: {exempted: false}, category: werken, source: {document: P, section: x}}\n        - {id: exempted", "id: work-fit, when", "rule work-fit can never decide"),
    ("a caseworker rule that never decides", UITHOORN, "  besides:", "    - {id: never, role: youth_coach, source: {document: U, section: x}}\n  besides:", "id: never", "rule never can never decide"),
    ("no caseworker for a category", PIJNACKER, "{id: caseworker, role", "{id: caseworker, when: {category: meedoen}, role", "assigned", "a gap: no rule holds for category werken-aan"),
    ("a partner that does not exist", UITHOORN, "partner: am-match, purpose: guidance_to_work", "partner: am-mach, purpose: guidance_to_work", "partner: am-mach", "no partner of that name; defined are: am-match"),
    ("a purpose the partner has not", PIJNACKER, "on_categorisation: []", "on_categorisation:\n    - {id: x, partner: debt-help, purpose: mental_health_support, source: {document: P, section: x}}", "id: x", "debt-help has no such purpose; it has debt_help"),
    ("a role that does not exist", UITHOORN, "role: youth_coach", "role: young_coach", "role: young_coach", "no caseworker role of that name"),
    ("a category that does not exist", UITHOORN, 'category: "100", source: *bands', "category: 100-120, source: *bands", "category: 100-120", "no category of that name"),
    ("a track that does not exist", UITHOORN, "track: participation}\n  40-70", "track: particpation}\n  40-70", "particpation", "no track of that name; defined are: participation, reintegration"),
    ("a category that no rule gives", UITHOORN, "categories:\n", 'categories:\n  unused: {label: "Ongebruikt", track: reintegration}\n', "unused", "no rule gives this category"),
    ("an instrument that does not exist", UITHOORN, "instruments: [capacity_assessment]", "instruments: [x_ray]", "x_ray", "no instrument of that name"),
    ("a document that is not listed", UITHOORN, "document: EIGEN", "document: MIJN", "document: MIJN", "no source document of that name"),
    ("a kind of conversation that does not exist", BASE, "first_conversation: [face_to_face,", "first_conversation: [face_to_face, by_letter,", "by_letter", "no kind of conversation of that name; there are face_to_face, home_visit, telephone, review, other"),
    ("an option that leads nowhere", WASSENAAR, "options: [1, 2, 3]", "options: [1, 2]", "3: {label", "to which partner this option leads"),
    ("a partner of another kind", WASSENAAR, "kind: welfare", "kind: debt_help", "1: {label", "leads to a partner of another kind: debt_help"),
    ("a digest written by hand", UITHOORN, "name: Uithoorn", "name: Uithoorn\ndigest: abc", "digest: abc", "unknown key"),
    ("an option that does not exist", WASSENAAR, "options: [1, 2, 3]", "options: [1, 2, 9]", "id: welfare", "no conversation option 9"),
    ("a first route that does not exist", BASE, "first_route: focus_op_werk", "first_route: focus", "first_route: focus", "no route of that name; there are focus_op_werk"),
    ("two rules with one id", UITHOORN, "id: capacity-40-70,", "id: capacity-0-40,", "category: 40-70", "another rule has this id already"),
    ("an unknown placeholder", UITHOORN, "Beste {{ name }}", "Beste {{ firstname }}", "categorised:", "unknown placeholder firstname; allowed are"),
    ("a letter left out", UITHOORN, "  exit:\n    version: 2", "  farewell:\n    version: 2", "farewell", "'categorised', 'handover', 'exit', 'correction' or 'withdrawal'"),
    ("a group upside down", WASSENAAR, "min: 10, max: 12", "min: 12, max: 10", "protocol", "smaller than the smallest"),
    ("a protocol that does not exist", WASSENAAR, "form: group", "form: crowd", "protocol", "'one_to_one', 'group'"),
    ("an end before the start", VOORSCHOTEN_2019, "valid_to: 2023-12-31", "valid_to: 2018-12-31", "valid_to: 2018-12-31", "the end lies before the start"),
    ("two packs in force on one day", VOORSCHOTEN_2019, "valid_to: 2023-12-31", "valid_to: 2024-06-30", "valid_from: 2024-01-01", "two packs in force on one day"),
    ("a pack that never ends before another", VOORSCHOTEN_2019, "valid_to: 2023-12-31\n", "", "valid_from: 2024-01-01", "two packs in force on one day.*has no end"),
    ("a day without a pack between two", VOORSCHOTEN_2019, "valid_to: 2023-12-31", "valid_to: 2023-12-30", "valid_from: 2024-01-01", "no pack in force from 2023-12-31"),
    ("a base that does not exist", WASSENAAR, "extends: leid", "extends: lied", "extends: lied", "no such base .*there are: leidschendam"),
    ("a municipality that is no code", UITHOORN, "municipality: GM0451", "municipality: Uithoorn", "municipality: Uithoorn", "pattern"),
    ("two packs with one id", WASSENAAR, "id: wassenaar-2019", "id: leidschendam-voorburg-2019", "id: leidschendam-voorburg-2019", "has this id and version already"),
    ("a route open to nobody", UITHOORN, "when: {category: 0-40}, source", "when: {category: 0-40, track: reintegration}, source", "participation:", "route participation is open to nobody"),
    ("a route on a track where its clients never are", UITHOORN, 'label: "Participatie", track: participation', 'label: "Participatie", track: reintegration', "participation:", "is on track reintegration, and only open to clients on participation"),
    ("an addition that never applies", UITHOORN, "when: {age_band: [18-20, 21-26], track: reintegration}", "when: {category: 0-40, track: reintegration}", "id: youth-coach", "rule youth-coach can never apply"),
    ("a referral after a conversation that never decides", WASSENAAR, "after_conversation:\n", "after_conversation:\n    - {id: all, options: [1, 2, 3], partner: vrijwilligerscentrale, purpose: participation, source: {document: L, section: x}}\n", "id: welfare", "rule welfare can never decide"),
    ("a search period that never applies", UITHOORN, "  search_periods:\n", "  search_periods:\n    - waits: {id: always, within: 1 week, source: {document: PW, section: x}}\n", "age_band", "this search period never applies"),
    ("a target of partners that there are not", PIJNACKER, "partner_kinds: [mental_health, debt_help]", "partner_kinds: [mental_health, choir]", "referrals-to-care", "no partner of kind choir; there are debt_help"),
    ("shares that are no whole", VOORSCHOTEN, "GM1916: 74", "GM1916: 75", "shares_pct", "the shares add up to 101, not to 100"),
    ("a handover to where the client is", BASE, "hands_over_to: participation", "hands_over_to: reintegration", "hands_over_to: reintegration", "is the track itself"),
    ("a rung that there is not", UITHOORN, "{id: talk, label", "{id: shout, label", "id: shout", "'talk', 'influence' or 'measure'"),
    ("an aim that there is not", UITHOORN, "aim: work", "aim: job", "aim: job", "'work' or 'participation'"),
    ("nowhere to hand over to", UITHOORN, "aim: participation", "aim: work", "exemption", "no track has that aim"),
    ("an own fact that exists already", UITHOORN, "tracks:\n", "facts:\n  distance_months: {label: x, kind: number}\ntracks:\n", "distance_months", "is a fact of every assessment already"),
    ("an own fact with no choices", UITHOORN, "tracks:\n", "facts:\n  colour: {label: x, kind: choice}\ntracks:\n", "colour", "choices belong to kind choice"),
    ("a key twice", UITHOORN, "name: Uithoorn", "name: Uithoorn\nname: Amstelveen", "name: Amstelveen", "not readable as YAML"),
    ("no YAML at all", UITHOORN, "name: Uithoorn", "name: [Uithoorn", "", "not readable as YAML"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("file", "old", "new", "on_the_line", "says"), [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN]
)
def test_a_fault_names_file_and_line_and_what_would_be_right(
    folder: Path, file: str, old: str, new: str, on_the_line: str, says: str
) -> None:
    edit(folder / file, old, new)

    faults = faults_in(folder)

    told = [fault for fault in faults if re.search(says, str(fault))]
    assert told, "\n".join(map(str, faults))
    lines = [Path(fault.file).read_text(encoding="utf-8").splitlines()[fault.line - 1] for fault in told]
    assert any(on_the_line in line for line in lines), lines


def test_a_fault_in_the_base_names_the_base_and_is_told_once(folder: Path) -> None:
    edit(folder / BASE, "distance_months: 4..12", "distance_months: 5..12")

    (fault,) = faults_in(folder)

    assert fault.file == str(folder / BASE)
    assert "distance_months 4" in fault.remedy


def test_all_faults_in_all_packs_are_told_at_once(folder: Path) -> None:
    edit(folder / UITHOORN, "name: Uithoorn", "name: 3\ncolour: green")
    edit(folder / UITHOORN, "role: youth_coach", "role: young_coach")
    edit(folder / PIJNACKER, 'work_fit: "no"', "work_fit: never")

    faults = faults_in(folder)

    assert {Path(fault.file).parent.name for fault in faults} == {"uithoorn", "pijnacker-nootdorp"}
    assert len(faults) == 4


def test_an_empty_folder_is_a_fault(tmp_path: Path) -> None:
    (fault,) = faults_in(tmp_path)

    assert "no packs here" in fault.remedy


def test_a_file_that_is_no_mapping_is_a_fault(folder: Path) -> None:
    (folder / UITHOORN).write_text("- just\n- a list\n", encoding="utf-8")

    (fault,) = faults_in(folder)

    assert "a mapping of keys to values" in fault.remedy


@pytest.mark.parametrize(
    "mess",
    [
        lambda t: t[: len(t) // 2],
        lambda t: t.replace(":", " "),
        lambda t: t.replace("{", "["),
        lambda _: "",
        lambda _: "\x00",
    ],
)
def test_any_mess_is_a_fault_and_never_a_crash(folder: Path, mess: Callable[[str], str]) -> None:
    file = folder / UITHOORN
    file.write_text(mess(file.read_text(encoding="utf-8")), encoding="utf-8")

    assert faults_in(folder)
