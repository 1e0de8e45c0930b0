"""Routing guides a client's journey: which caseworker, which route, by when, who is referred, and where it ends.

It hears what diagnosis decides (category, track, exemptions), what intake tells about people (registered, imported,
merged, refused, moved away, died) and how far partners are with a referral. It says who the caseworker is, when a
handover to the other track is due and how it went, which conversations are due, whom it asks a partner to take on,
and when and why a client leaves. All its terms follow from where a journey stands, by `rules.running_terms`.
"""
