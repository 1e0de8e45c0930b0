"""Whether a Dutch text can be read at level B1: short sentences, everyday words, nobody hidden by the passive voice.

The reading ease is Flesch's formula as Douma fitted it to Dutch (1960): 206.84 - 0.93 * words per sentence - 77 *
syllables per word; 60 and more is plain. Syllables are counted as groups of vowels, which is right for most words.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from policy.letters import ALL_PLACEHOLDERS, Template

LONGEST_SENTENCE = 15
LONGEST_ON_AVERAGE = 10
LEAST_EASE = 60
OFFICIAL = frozenset((Path(__file__).parent / "official_words.txt").read_text(encoding="utf-8").split())
"""Words of offices, which level B1 does not have."""
_WORD = re.compile(r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*")
_SENTENCE = re.compile(r"[^.!?:\n]+(?:[.!?:]+|\n|$)")
_VOWELS = re.compile(r"aai|ooi|oei|eeu|ieu|aa|ee|oo|uu|ie|oe|eu|ui|ij|ei|ou|au|[aeiouyéèëïöü]", re.IGNORECASE)
_PASSIVE = re.compile(r"\b(?:word|wordt|worden|werd|werden)\b(?!\s+u\b)", re.IGNORECASE)
_PARTICIPLE = re.compile(r"\b(?:be|ge|ver|ont|her|\w{2,4}ge)\w{2,}(?:d|t|en)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Reading:
    """How a text reads."""

    sentences: tuple[tuple[str, ...], ...]
    """The words of each sentence."""
    text: str

    @classmethod
    def of(cls, text: str) -> "Reading":
        """Take a text apart; a line end also ends a sentence, as in a greeting."""
        found = (tuple(_WORD.findall(sentence)) for sentence in _SENTENCE.findall(text))
        return cls(tuple(words for words in found if words), text)

    @classmethod
    def of_letter(cls, letter: Template, track_meaning: str) -> "Reading":
        """A letter as who gets it reads it; names, which nobody chose for being easy, count as one short word."""
        values = {**dict.fromkeys(ALL_PLACEHOLDERS, "dit"), "track_meaning": track_meaning}
        return cls.of("\n".join(letter.filled(values)))

    @property
    def words(self) -> int:
        """How many words there are."""
        return sum(map(len, self.sentences))

    @property
    def longest(self) -> int:
        """The words of the longest sentence."""
        return max(map(len, self.sentences), default=0)

    @property
    def average(self) -> float:
        """Words in a sentence."""
        return self.words / len(self.sentences) if self.sentences else 0.0

    @property
    def ease(self) -> float:
        """The reading ease of Flesch and Douma; 100 is very easy, 0 very hard."""
        if not self.words:
            return 100.0
        syllables = sum(max(1, len(_VOWELS.findall(word))) for words in self.sentences for word in words)
        return 206.84 - 0.93 * self.average - 77 * syllables / self.words

    @property
    def complaints(self) -> tuple[str, ...]:
        """What keeps it from level B1, in Dutch, each with what to do."""
        return tuple(self._complaints())

    def _complaints(self) -> Iterator[str]:
        for words in self.sentences:
            said = " ".join(words)
            if len(words) > LONGEST_SENTENCE:
                yield f"zin van {len(words)} woorden, hooguit {LONGEST_SENTENCE}: maak er twee van: {said}"
            if _PASSIVE.search(said) and _PARTICIPLE.search(said):
                yield f"lijdende vorm: zeg wie het doet: {said}"
        hard = sorted({word for words in self.sentences for word in words if word.lower() in OFFICIAL})
        if hard:
            yield f"ambtelijke woorden: {', '.join(hard)}: kies een gewoon woord"
        if self.average > LONGEST_ON_AVERAGE:
            yield f"gemiddeld {self.average:.1f} woorden per zin, hooguit {LONGEST_ON_AVERAGE}: maak kortere zinnen"
        if self.ease < LEAST_EASE:
            yield f"leesgemak {self.ease:.0f} (Flesch-Douma), ten minste {LEAST_EASE}: kies kortere woorden en zinnen"
