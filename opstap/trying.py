"""A draft of the policy on its way to diagnosis, and the trial that comes back."""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import aiohttp

from opstap.issuer import Issuer
from policy.faults import PolicyErrors
from policy.library import SHARED
from policy.reading import read

SECONDS_BETWEEN_LOOKS = 0.2
SECONDS_FOR_AN_ANSWER = 120
LARGEST_PAGE = 200


class NotTried(RuntimeError):
    """The draft was not tried; the message says why, and what to do."""


class WrongDraftError(RuntimeError):
    """The draft is not in order; `faults` are all that is wrong with it."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


@dataclass(frozen=True)
class Draft:
    """The files of a folder, for one municipality."""

    municipality: str
    files: Mapping[str, str]


@dataclass(frozen=True)
class Place:
    """Where Opstap runs, and the token with which it is asked."""

    url: str
    token: str


def draft_in(folder: Path, municipality: str | None) -> Draft:
    """The draft in a folder like that of the policies, or in the folder of one municipality; NotTried otherwise."""
    if not folder.is_dir():
        raise NotTried(f"{folder} is no folder: name the folder with the draft, such as a copy of policies/")
    found = {f"{each.parent.name}/{each.name}": each for each in sorted(folder.glob("*/*.yaml"))}
    found = found or {f"{folder.resolve().name}/{each.name}": each for each in sorted(folder.glob("*.yaml"))}
    packs = {name: file for name, file in found.items() if not name.startswith(f"{SHARED}/")}
    if not packs:
        raise NotTried(f"{folder} holds no packs: put <municipality>/<first day>.yaml in it, as in policies/")
    codes = {name: _municipality(file) for name, file in packs.items()}
    chosen = municipality or _only(folder, sorted({code for code in codes.values() if code}))
    mine = {name: file for name, file in found.items() if codes.get(name) in {chosen, None}}
    return Draft(chosen, {name: _text(file) for name, file in (mine if packs.keys() & mine.keys() else found).items()})


def _municipality(file: Path) -> str | None:
    """Of whom a pack is; None where it cannot be read, or is a shared part: what is wrong with it is told later."""
    try:
        return str(read(file).data.get("municipality"))
    except PolicyErrors:
        return None


def _only(folder: Path, codes: list[str]) -> str:
    if len(codes) != 1:
        raise NotTried(f"{folder} holds packs of {', '.join(codes) or 'nobody'}: choose one with --municipality")
    return codes[0]


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise WrongDraftError([f"{file}:1: not readable as YAML: {error}"]) from error


def development_token(data: Path, url: str, municipality: str) -> str:
    """A policy officer's token of the issuer that runs with the system on this folder; NotTried when there is none."""
    folder = data / "issuer"
    if not (folder / "issuer-key.json").exists():
        raise NotTried(
            f"{data} holds no development issuer: give --token, or name the folder of `opstap up` with --data"
        )
    issuer = Issuer(folder, url=f"{url}/issuer")
    return issuer.issue("policy-officer", ["policy_officer"], [municipality], azp="opstap-policy-try")


@dataclass
class Trial:
    """A trial that has finished, as the service tells it."""

    told: dict[str, Any]
    moves: list[dict[str, Any]]
    page: str


async def try_draft(
    place: Place, draft: Draft, on: date | None, on_progress: Callable[[int, int | None], None]
) -> Trial:
    """Ask for the trial, wait for it, and fetch all of it. NotTried or WrongDraftError when that cannot be."""
    timeout = aiohttp.ClientTimeout(total=SECONDS_FOR_AN_ANSWER)
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {place.token}"}, timeout=timeout) as session:
        trials = f"{place.url}/diagnosis/v1/policy-trials"
        day = {} if on is None else {"on": on.isoformat()}
        asked = {"municipality": draft.municipality, "files": dict(draft.files), **day}
        told: dict[str, Any] = await _answer(session.post(trials, json=asked), _json)
        mine = f"{trials}/{told['id']}"
        while told["state"] in {"waiting", "running"}:
            await asyncio.sleep(SECONDS_BETWEEN_LOOKS)
            told = await _answer(session.get(mine), _json)
            on_progress(told["clientsDone"], told["clients"])
        if told["state"] == "failed":
            raise NotTried(f"trial {told['id']} failed: the log of diagnosis says why; nothing was changed")
        moves = await _all_moves(session, place.url, f"{mine}/moves?limit={LARGEST_PAGE}")
        page = await _answer(session.get(mine, headers={"Accept": "text/html"}), aiohttp.ClientResponse.text)
        return Trial(told, moves, page)


async def _all_moves(session: aiohttp.ClientSession, url: str, first: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    following: str | None = first
    while following is not None:
        async with session.get(following) as answer:
            found += (await answer.json())["items"]
            link = answer.links.get("next")
            following = None if link is None else f"{url}/diagnosis{_path(str(link['url']))}"
    return found


def _path(url: str) -> str:
    return url[url.index("/v1/") :]


async def _json(answer: aiohttp.ClientResponse) -> Any:
    return await answer.json(content_type=None)


async def _answer(request: Any, read: Callable[[aiohttp.ClientResponse], Any]) -> Any:
    try:
        async with request as answer:
            if not answer.ok:
                raise _refusal(answer.status, await _json(answer))
            return await read(answer)
    except (aiohttp.ClientError, TimeoutError, json.JSONDecodeError) as error:
        raise NotTried(
            f"Opstap does not answer ({error!r}): start it with `opstap up`, or say where it runs with --url"
        ) from error


def _refusal(status: int, problem: dict[str, Any]) -> RuntimeError:
    errors = problem.get("errors", [])
    if str(problem.get("type", "")).endswith("/wrong-draft"):
        return WrongDraftError([each["detail"] for each in errors])
    remedies = {
        "draft-not-in-force": "choose a day in that period with --date, or change valid_from and valid_to",
        "draft-of-another-municipality": "choose one of those with --municipality",
        "no-policy-in-force": "choose a day with --date on which the municipality has a policy to compare with",
    }
    other = {
        401: "the token is not one of this issuer's, or has run out: ask for a new one",
        403: "ask for a token with the role policy_officer or team_manager, for this municipality",
        413: "the files are too large: leave out what is no part of the draft",
    }
    slug = str(problem.get("type", "")).rpartition("/")[2]
    told = "".join(f"\n  {each.get('pointer', '')} {each.get('detail', '')}" for each in errors)
    remedy = remedies.get(slug) or other.get(status, "nothing was changed; try again")
    return NotTried(f"{problem.get('title', status)}: {problem.get('detail', '')}{told}\n{remedy}")
