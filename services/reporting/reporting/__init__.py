"""What is counted, and what is suppressed.

Reporting hears everything that the other services say about clients. It keeps one row per event (`happenings`) and
makes of a client's rows a history: periods on the caseload, of a category and track, of an exemption. Because a
history is always made of all rows, late entries, corrections, merged clients and any order of arrival come out right,
and every figure can be asked as of any day, as known on any day, and traced back to its events.

It says `ReportPublished` when a report for the council is made. In what is published, groups smaller than policy
allows are suppressed, and so much besides that nothing suppressed can be reckoned back.

No identity data are here: clients are ids with the traits that events carry.
"""
