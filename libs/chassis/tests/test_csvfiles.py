"""CSV files are read line by line, and what is wrong with one line costs no other."""

import csv
import io
from collections.abc import AsyncIterator
from hashlib import sha256
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from chassis.csvfiles import LONGEST_RECORD, MOST_LINES, NOT_CLOSED, Digest, Record, records

CELLS = st.one_of(st.text("abcx", min_size=1), st.sampled_from(("a;b", "a,b", "a\nb", "a\r\nb\nc", 'a"b', "")))
ROWS = st.lists(st.lists(CELLS, min_size=3, max_size=3), min_size=1, max_size=8)


async def read(*chunks: bytes, digest: Digest | None = None) -> list[Record]:
    async def come() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    return [record async for record in records(come(), digest)]


def written(rows: list[list[str]], separator: str) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=separator, lineterminator="\n").writerows(rows)
    return out.getvalue().encode()


async def test_records_are_the_same_however_the_bytes_come() -> None:
    file = b'\xef\xbb\xbfa;b\r\n1;"x\r\ny;z"\r\n\r\n3;4'
    whole = await read(file)

    assert [(each.line, each.cells) for each in whole] == [(1, ("a", "b")), (2, ("1", "x\r\ny;z")), (5, ("3", "4"))]
    assert await read(*(file[i : i + 1] for i in range(len(file)))) == whole


@given(rows=ROWS, separator=st.sampled_from(",;"))
async def test_what_was_written_as_csv_is_read_as_it_was(rows: list[list[str]], separator: str) -> None:
    header = ["one", "two", "three"]
    file, digest = written([header, *rows], separator), Digest()

    found = await read(file, digest=digest)

    assert [each.cells for each in found] == [tuple(row) for row in [header, *rows]]
    assert digest.value == sha256(file).digest()


@given(before=ROWS, after=ROWS, at=st.integers(0, 2))
async def test_a_quotation_mark_too_many_costs_its_own_line_and_no_other(
    before: list[list[str]], after: list[list[str]], at: int
) -> None:
    header = b"one,two,three\n"
    spoilt = b",".join(b'"x' if place == at else b"x" for place in range(3)) + b"\n"
    file, digest = header + written(before, ",") + spoilt + written(after, ","), Digest()

    found = await read(file, digest=digest)

    assert [each.cells for each in found[1:] if not each.fault] == [tuple(row) for row in [*before, *after]]
    assert [each.fault for each in found if each.fault] == [NOT_CLOSED]
    assert digest.value == sha256(file).digest()


async def test_a_cell_runs_over_a_few_lines_and_no_more() -> None:
    few, many = b"\n" * (MOST_LINES - 1), b"\n" * MOST_LINES
    found = await read(b"a,b\n", b'1,"', few, b'"\n', b'2,"', many, b'"\n3,4\n')

    assert [(each.cells, each.fault) for each in found][1:3] == [(("1", ""), None), ((), NOT_CLOSED)]
    assert found[-1].cells == ("3", "4")
    assert found[-1].line == 1 + MOST_LINES + MOST_LINES + 1 + 1


async def test_an_endless_line_is_given_up_and_reading_goes_on() -> None:
    endless = [b"x" * (LONGEST_RECORD + 10)] * 3
    digest = Digest()
    found: list[Any] = await read(b"a,b\n", *endless, b"\n1,2\n", b'3,"never closed\n', digest=digest)

    assert [(each.line, each.cells) for each in found] == [(1, ("a", "b")), (2, ()), (3, ("1", "2")), (4, ())]
    assert [each.fault for each in found if each.fault] == [f"is longer than {LONGEST_RECORD} bytes", NOT_CLOSED]
    assert digest.value == sha256(b"a,b\n" + b"".join(endless) + b'\n1,2\n3,"never closed\n').digest()
