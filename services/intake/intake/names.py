"""Names as they are looked for: without case, accents and prefixes, and as they sound in Dutch.

Janssen is found by Jansen, Schmidt by Smit, Kuijper by Kuyper, Hendrickx by Hendriks, "van den Berg" by Vandenberg.
The rules stand in `_SOUNDS`, in their order; they make alike what the Dutch write in more than one way, and no more.
"""

import re
import unicodedata

_WITHOUT_ACCENT = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "\u0131": "i", "æ": "ae", "œ": "oe"})
"""Letters that Unicode does not take apart."""
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
    return _spoken([*forms, *(word for word in _without_prefixes(_words(whole)) if len(word) > 1)])


def looked_under(family_name: str) -> tuple[str, ...]:
    """The forms that a search looks for: the whole of what was typed, without its prefixes and with them."""
    return _spoken(_wholes(family_name))


def first_name(given: str | None) -> str | None:
    """The form of the first of somebody's given names; None when they have none."""
    words = _words(given or "")
    return spoken(words[0]) if words else None


def _words(name: str) -> list[str]:
    """The words of a name in small letters without accents."""
    plain = unicodedata.normalize("NFKD", name.casefold().translate(_WITHOUT_ACCENT))
    letters = "".join(each for each in plain if not unicodedata.combining(each))
    return [word for word in re.split(r"[^\w]+", letters) if word]


def _wholes(name: str) -> list[str]:
    """A name in one piece, without its prefixes and glued to them."""
    words = _words(name)
    return ["".join(_without_prefixes(words)), "".join(words)]


def _without_prefixes(words: list[str]) -> list[str]:
    return [word for word in words if word not in _PREFIXES] or words


def _spoken(forms: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(map(spoken, forms)))
