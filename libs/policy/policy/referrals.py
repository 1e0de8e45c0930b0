"""Which partner a client is referred to: at once on a category, after a conversation, or for lessons."""

from policy.references import PartnerId, PurposeId
from policy.section import Section
from policy.tables import TableRule


class ReferralRule(TableRule):
    """In this situation, to this partner, for this purpose."""

    partner: PartnerId
    purpose: PurposeId


class OptionReferralRule(ReferralRule):
    """After a conversation that ended in one of these options."""

    options: tuple[int, ...]


class Referrals(Section):
    """In each table the first rule that holds decides, and where none holds nobody is referred."""

    on_categorisation: tuple[ReferralRule, ...] = ()
    after_conversation: tuple[OptionReferralRule, ...] = ()
    after_failed_language_test: tuple[ReferralRule, ...] = ()
