"""Who is let in, and when they come.

Decides who is registered as a client, whether an application may be filed yet, and when the information session, the
intake and the language test are due; a named person decides on benefit. The only service with identity data: each
field is sealed with a key of the person's own, and a BSN or a name is found through a blind index.

Hears of diagnosis that an assessment was completed (the week of the intake begins) and where a client was categorised,
and of routing who the caseworker is, which handover was accepted and who exited: that is what letters tell.

Says who is registered, merged, deceased or moved away, and when that was a mistake; what happens at the gate, and what
is due there; who nears pension age and reaches it, and which household has another form. It asks routing and diagnosis
for the file that goes along with who moves.
"""
