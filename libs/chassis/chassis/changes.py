"""Who changed what, version by version: a row in `changes` for each change of a row that has a version.

Written with the change itself, in its transaction, for every mapped class with a `version_id_col`; it names fields and
never their values. A class whose columns are not what its API shows says so:

>>> class Client(Base):
>>>     SHOWN_AS = {"family": "name", "bsn_index": "bsn"}
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from pydantic.alias_generators import to_camel
from sqlalchemy import ARRAY, DateTime, Integer, Text, event, insert, inspect, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, InstanceState, Mapped, Mapper, Session, mapped_column

MOST_TOLD = 50
SIGNATURE = "signature"
"""Where a session keeps who acts in it, and when: a function that answers with both."""

_FOUND = "found changes"

Signature = Callable[[], tuple[str, datetime]]


class _Base(DeclarativeBase):
    """Apart from the tables of services: each service's migrations make this table with the others of the chassis."""


class Change(_Base):
    """What somebody changed of a row: after it, the row had this version."""

    __tablename__ = "changes"

    entity: Mapped[str] = mapped_column(Text, primary_key=True)
    """The table."""
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    municipality: Mapped[str] = mapped_column(Text)
    by: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    fields: Mapped[list[str]] = mapped_column(ARRAY(Text))


async def sign(
    work: Any, of: type[DeclarativeBase], key: Mapping[str, Any], version: int, municipality: str,
    columns: Collection[str],
) -> None:  # fmt: skip
    """Write who changed these columns of a row by SQL of its own."""
    row = {
        "entity": str(of.__table__.description), "key": "/".join(map(str, key.values())), "version": version,
        "municipality": municipality, "by": work.actor, "at": work.clock.wall(), "fields": _shown(of, columns),
    }  # fmt: skip
    await work.session.execute(insert(Change), row)


@event.listens_for(Session, "before_flush")
def _find_changes(session: Session, *_: Any) -> None:
    session.info[_FOUND] = list(_changes(session))


@event.listens_for(Session, "after_flush")
def _write_changes(session: Session, *_: Any) -> None:
    """After the change itself: who changed the same row at the same moment is refused there, not here."""
    if session.info[_FOUND]:
        session.connection().execute(insert(Change), session.info.pop(_FOUND))


def _changes(session: Session) -> Iterator[dict[str, Any]]:
    for row in session.dirty:
        state: InstanceState[Any] = inspect(row)
        version = state.mapper.version_id_col
        fields = _changed_fields(state) if version is not None else []
        if version is not None and fields:
            by, at = session.info[SIGNATURE]()
            name = state.mapper.get_property_by_column(version).key
            yield {
                "entity": _entity(state.mapper), "key": _key(state), "version": getattr(row, name) + 1,
                "municipality": row.municipality, "by": by, "at": at, "fields": fields,
            }  # fmt: skip


def _changed_fields(state: InstanceState[Any]) -> list[str]:
    """The fields that were changed, by the names that the API shows."""
    changed = [column.key for column in state.mapper.column_attrs if state.attrs[column.key].history.has_changes()]
    return _shown(state.class_, changed)


def _shown(of: type[Any], names: Collection[str]) -> list[str]:
    shown_as: Mapping[str, str] = getattr(of, "SHOWN_AS", {})
    return sorted({shown_as.get(name, to_camel(name)) for name in names})


def _entity(mapper: Mapper[Any]) -> str:
    return str(mapper.local_table.description)


def _key(state: InstanceState[Any]) -> str:
    return "/".join(map(str, state.identity or ()))


async def since(session: AsyncSession, row: Any, version: int) -> dict[str, Any]:
    """Who changed a row after a version, when, and what: members of a problem; none when nobody signed for it."""
    state: InstanceState[Any] = inspect(row)
    query = select(Change).where(
        Change.entity == _entity(state.mapper), Change.key == _key(state), Change.version > version
    )
    newest = (await session.scalars(query.order_by(Change.version.desc()).limit(MOST_TOLD))).all()
    if not newest:
        return {}
    changes = [
        {"version": each.version, "changedBy": each.by, "changedAt": _utc(each.at), "fields": each.fields}
        for each in reversed(newest)
    ]
    return {"changedBy": newest[0].by, "changedAt": _utc(newest[0].at), "changes": changes}


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
