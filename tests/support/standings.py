"""Facts of an assessment that put a client where a path needs them, in the terms of each place's policy."""

from typing import Any

from tests.support.paths import PIJNACKER, UITHOORN, Place


def towards_work(place: Place) -> dict[str, Any]:
    """Some way from work, and on the way to it."""
    elsewhere: dict[Place, dict[str, Any]] = {UITHOORN: {"work_capacity_pct": 80}, PIJNACKER: {"work_fit": "no"}}
    return elsewhere.get(place, {"distance_months": 8})


def in_participation(place: Place) -> dict[str, Any]:
    """Far from work, so that the way leads to taking part in society."""
    exempted = {"exemption": {"reason": "ziekte"}}
    elsewhere: dict[Place, dict[str, Any]] = {UITHOORN: {"work_capacity_pct": 20}, PIJNACKER: exempted}
    return elsewhere.get(place, {"distance_months": 36})
