"""Names as they are looked for: without case, accents and prefixes, and as they sound in Dutch.

Janssen is found by Jansen, Schmidt by Smit, Kuijper by Kuyper, Hendrickx by Hendriks, "van den Berg" by Vandenberg,
Schröder by Schroeder.
The rules stand in `_SOUNDS`, in their order; they make alike what the Dutch write in more than one way, and no more.
"""

import re
import unicodedata
from collections.abc import Iterator

_WITHOUT_ACCENT = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "\u0131": "i", "æ": "ae", "œ": "oe"}
)
"""Letters that Unicode does not take apart."""
_WRITTEN_OUT = str.maketrans({"ä": "ae", "ö": "oe", "ø": "oe", "ü": "ue"})
"""How a passport, and many a clerk, writes letters that are not on a Dutch keyboard: Schroeder for Schröder."""
_PREFIXES = frozenset(
    {
        "aan", "af", "al", "am", "an", "auf", "aus", "bei", "ben", "bij", "bin", "boven", "d", "da", "dal", "dalla",
        "das", "de", "dei", "del", "della", "den", "der", "des", "di", "die", "do", "don", "dos", "du", "een", "el",
        "en", "gen", "het", "i", "im", "in", "l", "la", "las", "le", "les", "lo", "los", "met", "of", "onder", "op",
        "over", "s", "t", "te", "tegen", "ten", "ter", "thor", "tho", "to", "toe", "tot", "uijt", "uit", "van",
        "vanden", "vander", "ver", "vom", "von", "voor", "zu", "zum", "zur",
    }
)  # fmt: skip

_SOUNDS = tuple((re.compile(written), heard) for written, heard in (
    ("ph", "f"), ("th", "t"), ("gh", "g"), ("sch(?![aeiouy])", "s"), ("ch", "g"),
    ("c?[ckq]?x|c?[ckq]s", "ks"), ("c[kq]", "k"), ("qu", "kw"), ("q", "k"), ("c(?=[eiy])", "s"), ("c", "k"),
    ("z", "s"), ("v", "f"), ("d(?=[ts])|d$", "t"),
    ("u(ij|y)", "ui"), ("([ao])(ij|y)", r"\1i"), ("e(ij|y|i)|ij|y", "ei"),
    ("[ao]uw?", "ou"), ("ae", "a"), ("oe", "u"), ("ue", "u"), ("ie", "i"),
    (r"(.)\1+", r"\1"),
))  # fmt: skip
"""What is written, and how it sounds."""


def spoken(word: str) -> str:
    """How a word in plain small letters sounds; equal for words that sound alike."""
    for written, heard in _SOUNDS:
        word = written.sub(heard, word)
    return word


def kept_under(prefix: str | None, family_name: str) -> tuple[str, ...]:
    """The forms under which somebody is found: the whole, each of the names that a hyphen joins, and each word."""
    whole = f"{prefix or ''} {family_name}"
    forms = [form for name in (whole, *whole.split("-")) for form in _wholes(name)]
    words = (word for written in _written(whole) for word in _without_prefixes(written) if len(word) > 1)
    return _spoken([*forms, *words])


def looked_under(family_name: str) -> tuple[str, ...]:
    """The forms that a search looks for: the whole of what was typed, without its prefixes and with them."""
    return _spoken(_wholes(family_name))


def given_kept_under(given: str | None) -> tuple[str, ...]:
    """The forms under which the first of somebody's given names is found: as it sounds, and its initial."""
    kept = (form for word in _first_words(given) for form in (_letter(word) or spoken(word), f"{word[0]}."))
    return tuple(dict.fromkeys(kept))


def given_looked_under(given: str | None) -> tuple[str, ...]:
    """The forms that a search looks for: an initial finds all that begin with it, a name also who has initials only."""
    sought = ((f"{word[0]}.",) if _letter(word) else (spoken(word), word[0]) for word in _first_words(given))
    return tuple(dict.fromkeys(form for forms in sought for form in forms))


def _first_words(given: str | None) -> list[str]:
    """The first word of given names as it can be written; none when there is none."""
    return list(dict.fromkeys(words[0] for words in _written(given or "") if words))


def _letter(word: str) -> str | None:
    """The letter of a word that is an initial, for nobody says it as a name: J, Th, Chr, JP; None of a name."""
    return word[0] if len(word) == 1 or not set(word) & set("aeiouy") else None


def _written(name: str) -> Iterator[list[str]]:
    """The words of a name in small letters without accents, and as they are with accents written out."""
    small = unicodedata.normalize("NFC", name.casefold())
    yield _words(small)
    yield _words(small.translate(_WRITTEN_OUT))


def _words(small: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", small.translate(_WITHOUT_ACCENT))
    letters = "".join(each for each in plain if not unicodedata.combining(each))
    return [word for word in re.split(r"[^\w]+", letters) if word]


def _wholes(name: str) -> list[str]:
    """A name in one piece, without its prefixes and glued to them."""
    return ["".join(each) for words in _written(name) for each in (_without_prefixes(words), words)]


def _without_prefixes(words: list[str]) -> list[str]:
    return [word for word in words if word not in _PREFIXES] or words


def _spoken(forms: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(map(spoken, forms)))
