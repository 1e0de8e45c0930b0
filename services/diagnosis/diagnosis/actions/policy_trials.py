"""Asking for a trial of a draft: what is wrong with it is said at once, and a sound one waits for its turn (POL-6)."""

import asyncio
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from uuid import UUID

from chassis.problems import NotFound
from chassis.work import Work
from diagnosis.actions.clients import policy_of
from diagnosis.problems import DraftNotInForce, DraftOfAnother, WrongDraft
from diagnosis.tables import PolicyTrial
from diagnosis.trials.drafts import read, whole
from policy import Library, NoPolicyInForce, Pack, PolicyErrors, UnknownMunicipality


async def ask(work: Work, policies: Path, municipality: str, on: date, files: Mapping[str, str]) -> PolicyTrial:
    """Keep the draft with what it builds on, to be run against the caseload of a municipality as of a day."""
    present = policy_of(work, municipality, on)
    complete = await asyncio.to_thread(whole, files, policies)
    draft = _in_force(await asyncio.to_thread(_read, complete), municipality, on)
    trial = PolicyTrial(
        id=work.ids(),
        municipality=municipality,
        state="waiting",
        on_day=on,
        files=complete,
        draft=_named(draft),
        present=_named(present),
        asked_by=work.actor,
        asked_at=work.clock.wall(),
        clients_done=0,
    )
    work.session.add(trial)
    await work.session.flush()
    return trial


async def trial_of(work: Work, trial_id: UUID) -> PolicyTrial:
    """One trial; NotFound when there is none for this token."""
    trial = await work.session.get(PolicyTrial, trial_id)
    if trial is None:
        raise NotFound("There is no such trial.")
    return trial


def _read(files: Mapping[str, str]) -> Library:
    try:
        return read(files)
    except PolicyErrors as errors:
        raise WrongDraft.of(errors) from errors


def _in_force(draft: Library, municipality: str, on: date) -> Pack:
    try:
        return draft.in_force(municipality, on)
    except UnknownMunicipality as error:
        raise DraftOfAnother.of(municipality, draft) from error
    except NoPolicyInForce as error:
        raise DraftNotInForce.of(municipality, on, draft) from error


def _named(pack: Pack) -> dict[str, str]:
    return {"id": pack.id, "version": pack.version, "digest": pack.digest}
