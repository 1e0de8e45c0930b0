"""How municipal policy is read, checked, explained and reckoned: packs, decisions with receipts, terms."""

from policy.caseworkers import Role
from policy.decide import Decision, Outcome, Status
from policy.explain import Alternative, Change, Explanation, Way, explain
from policy.facts import Exemption, Facts, Indication
from policy.faults import Fault, NoPolicyInForce, PolicyErrors, UnknownMunicipality
from policy.instruments import Instrument, Refused
from policy.intake import Intake
from policy.letters import Letter
from policy.library import Library, load_draft
from policy.pack import Pack
from policy.partners import Group, OneToOne, Partner, Purpose
from policy.receipt import Choice, PackReference, Receipt, Rejected
from policy.referrals import ReferralRule
from policy.reporting import Budget, Reporting, Target
from policy.routing import ConversationOption, Fip, Handover, LongestOnTrack, Participation, Route, Routing
from policy.scheme import Category, Track
from policy.section import Deadline, Source
from policy.situation import AGE_BANDS, Situation, age_band
from policy.terms import Ground, Reckoned, Suspension, Term, reckon, start_of

__all__ = [
    "AGE_BANDS", "Alternative", "Budget", "Category", "Change", "Choice", "ConversationOption", "Deadline",
    "Decision", "Exemption", "Explanation", "Facts", "Fault", "Fip", "Ground", "Group", "Handover", "Indication",
    "Instrument", "Intake", "Letter", "Library", "LongestOnTrack", "NoPolicyInForce", "OneToOne", "Outcome", "Pack",
    "PackReference", "Participation", "Partner", "PolicyErrors", "Purpose", "Receipt", "Reckoned", "ReferralRule",
    "Refused", "Rejected", "Reporting", "Role", "Route", "Routing", "Situation", "Source", "Status", "Suspension",
    "Target", "Term", "Track", "UnknownMunicipality", "Way", "age_band", "explain", "load_draft", "reckon", "start_of",
]  # fmt: skip
