"""The shipped letters can be read at level B1, know every placeholder, and say what a client must know (ROU-14)."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from opstap.policy_commands import app
from policy import Library
from policy.letters import ALL_PLACEHOLDERS, LETTERS, LetterId, Template
from policy.readability import Reading

UITHOORN = "uithoorn/2021-01-01.yaml"
VALUES = dict.fromkeys(ALL_PLACEHOLDERS, "x")


@pytest.mark.requirement("ROU-14")
def test_every_shipped_letter_reads_at_level_b1_on_every_track(library: Library) -> None:
    found = {
        f"{pack.id} {letter.id} {track.id}": Reading.of_letter(letter, track.meaning)
        for pack in library
        for letter in pack.letters.values()
        for track in pack.tracks.values()
    }
    assert {name: reading.complaints for name, reading in found.items() if reading.complaints} == {}
    assert len(found) == len(LETTERS) * 2 * len(list(library))


@pytest.mark.requirement("ROU-14")
def test_a_letter_says_the_track_what_it_means_and_who_guides(library: Library) -> None:
    for pack in library:
        for kind in ("categorised", "handover", "correction"):
            body = pack.letters[kind].filled(
                {**VALUES, "track_label": "T", "track_meaning": "M", "caseworker_name": "C"}
            )
            assert all(word in body.body.split() or f"{word}." in body.body.split() for word in "TMC"), (pack.id, kind)


@pytest.mark.requirement("ROU-14")
def test_a_letter_that_corrects_another_says_of_which_day_that_was(library: Library) -> None:
    for pack in library:
        for kind in ("correction", "withdrawal"):
            letter = pack.letters[kind].filled({**VALUES, "letter_date": "1 mei 2024"})
            assert "1 mei 2024" in letter.body, (pack.id, kind)
            assert any(sorry in letter.body for sorry in ("spijt", "Sorry")), (pack.id, kind)


@pytest.mark.parametrize(
    ("kind", "body", "fault"),
    [
        ("categorised", "Over {{ letter_date }}", "unknown placeholder letter_date; allowed are caseworker_name, muni"),
        ("withdrawal", "{{ track_label }} {{ letter_date }}", "unknown placeholder track_label; allowed are letter_da"),
        ("correction", "Wij zaten fout, {{ name }}", "must say with {{ letter_date }} of which day"),
    ],
)
def test_a_letter_asks_for_what_there_is_when_it_is_sent(kind: LetterId, body: str, fault: str) -> None:
    with pytest.raises(ValueError, match=re.escape(fault)):
        Template(subject="x", body=body).fits(kind)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (
            "Wij hebben gezien dat u al een hele tijd thuis bent en graag weer eens met iemand wilt praten.",
            "zin van 19",
        ),
        ("Wij schrijven u aangaande de vraag.", "ambtelijke woorden: aangaande"),
        ("U krijgt geld indien u werkt.", "ambtelijke woorden: indien"),
        ("Uw aanvraag wordt door ons behandeld.", "lijdende vorm"),
        ("De uitkering werd gestopt.", "lijdende vorm"),
        ("Arbeidsmarktparticipatie vereist inspanningsverplichtingen.", "leesgemak"),
    ],
)
def test_a_text_that_is_not_plain_is_complained_of(text: str, complaint: str) -> None:
    assert any(complaint in each for each in Reading.of(text).complaints), Reading.of(text).complaints


@pytest.mark.parametrize(
    "text", ["Wij helpen u graag. Bel ons gerust!", "Hoe gaat het met u?", "Hebt u hulp nodig? Kom langs.", ""]
)
def test_plain_text_is_not(text: str) -> None:
    assert Reading.of(text).complaints == ()


def test_the_reading_ease_is_that_of_douma() -> None:
    reading = Reading.of("De kat zit op de mat. Zij slaapt.")

    assert (reading.words, len(reading.sentences), reading.longest) == (8, 2, 6)
    assert reading.ease == pytest.approx(206.84 - 0.93 * 4 - 77 * 8 / 8)


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    assert Reading.of(text).longest <= Reading.of(text).words


@given(st.text(alphabet="{}% abc\n"), st.text())
def test_a_value_is_filled_in_as_it_is_and_nothing_in_it_is_read_as_a_placeholder(around: str, value: str) -> None:
    text = f"a{around.replace('{', '')} {{{{ name }}}} b"
    assert Template(subject="x", body=text).filled({**VALUES, "name": value}).body == text.strip().replace(
        "{{ name }}", value
    )


def test_the_letters_of_a_draft_are_shown_with_what_is_wrong_with_them(folder: Path, tmp_path: Path) -> None:
    shown = CliRunner().invoke(app, ["letters", str(folder / UITHOORN), "--policies", str(folder)])
    assert shown.exit_code == 0, shown.output
    assert "Beste mevrouw Jansen," in shown.output
    assert "Gemeente Uithoorn" in shown.output

    draft = tmp_path / "draft.yaml"
    text = (folder / UITHOORN).read_text(encoding="utf-8")
    draft.write_text(text.replace("Wij stoppen met onze hulp", "Onze hulp wordt door ons gestopt"), encoding="utf-8")
    shown = CliRunner().invoke(app, ["letters", str(draft), "--policies", str(folder)])
    assert shown.exit_code == 1
    assert "! lijdende vorm: zeg wie het doet: Onze hulp wordt door ons gestopt" in shown.output


def test_a_draft_that_cannot_be_read_is_told_so(folder: Path) -> None:
    assert CliRunner().invoke(app, ["letters", "nowhere.yaml", "--policies", str(folder)]).exit_code == 2
