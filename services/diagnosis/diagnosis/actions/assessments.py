"""Assessments and what policy proposes on them; a wrong one is corrected by another that names it."""

from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import select

from chassis.problems import Invalid, NotFound
from chassis.work import Work
from contracts.diagnosis import AssessmentCompleted, AssessmentInDoubt
from diagnosis.actions.clients import active_client, day_of, known_of, policy_of
from diagnosis.actions.invitations import close_invitations
from diagnosis.problems import AlreadyCorrected, NotTheLatest, faulty
from diagnosis.questionnaires import Questionnaire
from diagnosis.rules import FaultyFacts, complete, unknown_areas, with_last_day
from diagnosis.sealing import Seal
from diagnosis.tables import Assessment, Client, Proposal, Receipt, open_proposals, resolve
from policy import Decision, Facts, Pack

LATEST_FIRST = (Assessment.entered_at.desc(), Assessment.id.desc())
SEALED = "youngest_child_born"
"""The fact that is never kept in plain text, nor shown to the rules."""


@dataclass(frozen=True)
class Findings:
    """What a professional found."""

    facts: Facts
    questionnaire: str = ""
    questionnaire_version: str = ""
    """Empty in a correction, which has those of the assessment that it replaces."""
    occurred_on: date | None = None
    setting: str = "alone"
    barriers: tuple[str, ...] = ()
    impression: str | None = None
    corrects: UUID | None = None
    correction_reason: str | None = None

    @classmethod
    def by(cls, questionnaire: Questionnaire, facts: Facts, **others: Any) -> "Findings":
        """Found with this questionnaire."""
        return cls(facts, questionnaire.id, questionnaire.version, **others)


async def assess(work: Work, seal: Seal, client_id: UUID, findings: Findings) -> Proposal:
    """Keep an assessment and let policy propose a category; what was open for the client gives way to it."""
    client = await active_client(work, client_id)
    on = day_of(work, findings.occurred_on, "#/occurredOn")
    pack = policy_of(work, client.municipality, on)
    facts = _whole(findings, client, pack, on)
    decision = pack.decide(_without_sealed(facts), on)
    await _make_room(work, client, findings.corrects, on)
    assessment = _assessment(work, seal, client, replace(findings, facts=facts, occurred_on=on))
    proposal = _proposal(work, assessment, pack, decision)
    work.session.add(proposal)
    await work.session.flush()
    _say(work, assessment, decision)
    return proposal


async def correct(work: Work, seal: Seal, assessment_id: UUID, findings: Findings) -> Proposal:
    """Replace a wrong assessment, the client's latest, by one with the right facts; a new decision follows."""
    wrong = await assessment_of(work, assessment_id)
    client = await active_client(work, wrong.client_id)
    latest = select(Assessment.id).where(Assessment.client_id == client.id).order_by(*LATEST_FIRST)
    if await work.session.scalar(select(Assessment.id).where(Assessment.corrects == wrong.id)):
        raise AlreadyCorrected
    if await work.session.scalar(latest.limit(1)) != wrong.id:
        raise NotTheLatest
    again = replace(
        findings,
        questionnaire=wrong.questionnaire,
        questionnaire_version=wrong.questionnaire_version,
        setting=wrong.setting,
        occurred_on=findings.occurred_on or wrong.occurred_on,
        corrects=wrong.id,
    )
    return await assess(work, seal, client.id, again)


async def assessment_of(work: Work, assessment_id: UUID) -> Assessment:
    """One assessment; NotFound when there is none for this token."""
    assessment = await work.session.get(Assessment, assessment_id)
    if assessment is None:
        raise NotFound("There is no such assessment.")
    return assessment


async def assessments_of(work: Work, client_id: UUID) -> list[Assessment]:
    """All assessments of a client, the latest first."""
    now = (await resolve(work.session, [client_id]))[client_id]
    if await work.session.get(Client, now) is None:
        raise NotFound("There is no such client.")
    query = select(Assessment).where(Assessment.client_id == now).order_by(*LATEST_FIRST)
    return list(await work.session.scalars(query))


def _whole(findings: Findings, client: Client, pack: Pack, on: date) -> Facts:
    strange = unknown_areas(findings.barriers, pack)
    if strange:
        pointer = f"#/barriers/{findings.barriers.index(strange[0])}"
        raise Invalid.at(pointer, f"{strange[0]} is no area of life in the policy of this municipality")
    wrong = [
        {"detail": remedy, "pointer": f"#/facts/own/{name}"} for name, remedy in pack.strange_facts(findings.facts)
    ]
    if wrong:
        raise Invalid(errors=wrong)
    try:
        return with_last_day(complete(findings.facts, known_of(client)), pack, on)
    except FaultyFacts as fault:
        raise faulty(fault) from fault


def _without_sealed(facts: Facts) -> Facts:
    return Facts.model_validate(facts.model_dump(exclude={SEALED}, exclude_unset=True))


async def _make_room(work: Work, client: Client, corrects: UUID | None, on: date) -> None:
    await close_invitations(work, [client.id], "assessed", on, until=on)
    for proposal in await open_proposals(work.session, [client.id]):
        corrected = proposal.assessment_id == corrects
        proposal.close("corrected" if corrected else "superseded", "corrected" if corrected else "assessed", on)
    await work.session.flush()


def _assessment(work: Work, seal: Seal, client: Client, findings: Findings) -> Assessment:
    assert findings.occurred_on is not None
    id = work.ids()
    return Assessment(
        id=id,
        municipality=client.municipality,
        client_id=client.id,
        questionnaire=findings.questionnaire,
        questionnaire_version=findings.questionnaire_version,
        setting=findings.setting,
        occurred_on=findings.occurred_on,
        facts=stored(findings.facts),
        barriers=list(findings.barriers),
        child_birth_date=seal.close(findings.facts.youngest_child_born, id),
        impression=findings.impression,
        corrects=findings.corrects,
        correction_reason=findings.correction_reason,
        entered_by=work.actor,
        entered_at=work.clock.wall(),
    )


def stored(facts: Facts) -> dict[str, Any]:
    """The facts as they are kept: what was said, without the sealed one, in a fixed order."""
    plain = facts.model_dump(mode="json", exclude={SEALED}, exclude_unset=True)
    if "indications" in plain:
        plain["indications"] = sorted(plain["indications"])
    return plain


def _proposal(work: Work, assessment: Assessment, pack: Pack, decision: Decision) -> Proposal:
    owner = {"municipality": assessment.municipality, "client_id": assessment.client_id}
    return Proposal(
        id=work.ids(),
        **owner,
        assessment=assessment,
        receipt=Receipt(id=work.ids(), **owner, body=decision.receipt.as_dict()),
        state="open",
        status=decision.status,
        scheme=pack.scheme.id,
        category=decision.category,
        track=decision.track,
        caseworker_role=decision.caseworker_role,
        referral_partner=decision.referral_partner,
        made_on=work.today,
    )


def _say(work: Work, assessment: Assessment, decision: Decision) -> None:
    completed = AssessmentCompleted(
        occurred_on=assessment.occurred_on, by=work.actor, assessment_id=assessment.id, corrects=assessment.corrects
    )
    work.publish(assessment.client_id, assessment.municipality, completed)
    if decision.status == "in_doubt":
        doubt = AssessmentInDoubt(occurred_on=assessment.occurred_on, by=work.actor, assessment_id=assessment.id)
        work.publish(assessment.client_id, assessment.municipality, doubt)
