"""Which partner, how and when.

Partners keeps the registry of partner organisations, sends each referral to one of them (one to one, or in a group as
soon as enough clients wait), follows it until the loop is closed, and tells the partner by signed webhook.

It hears from routing which clients are to be referred (`ReferralRequested`, `ReferralWithdrawn`), from intake and
routing when everything open stops (`ClientDeceased`, `ClientExited`, ...), and from diagnosis what a partner may be
told of a client's category. It says each step of the loop (`ReferralSent` .. `ReferralEnded`, `ReferralOverdue`),
`GroupFilled`, `GroupChanged`, `PartnerSignalled`, and when an endpoint fails.

Reasons that a partner gives stay here. A person's name comes from intake, is asked for while a referral is open, and
is never kept.
"""
