"""Names in several scripts for generated learners. Invented; any likeness is chance."""

from dataclasses import dataclass
from itertools import product


@dataclass(frozen=True, slots=True)
class Name:
    """A name as its bearer writes it, in Latin letters, and the bearer's language."""

    written: str
    latin: str
    language: str


_PARTS: dict[str, tuple[list[tuple[str, str]], list[tuple[str, str]]]] = {
    "hi": (
        [("आशा", "Asha"), ("रमेश", "Ramesh"), ("सुनीता", "Sunita"), ("विक्रम", "Vikram")],
        [("शर्मा", "Sharma"), ("यादव", "Yadav"), ("मिश्रा", "Mishra"), ("कुमारी", "Kumari")],
    ),
    "bn": (
        [("অনন্যা", "Ananya"), ("সৌরভ", "Sourav"), ("মিতালী", "Mitali")],
        [("ঘোষ", "Ghosh"), ("চট্টোপাধ্যায়", "Chattopadhyay"), ("দাস", "Das")],
    ),
    "ta": (
        [("கவிதா", "Kavitha"), ("முருகன்", "Murugan"), ("செல்வி", "Selvi")],
        [("சுப்பிரமணியன்", "Subramanian"), ("ராஜன்", "Rajan"), ("பாண்டியன்", "Pandian")],
    ),
    "gu": (
        [("હેતલ", "Hetal"), ("જીગ્નેશ", "Jignesh"), ("મીના", "Meena")],
        [("પટેલ", "Patel"), ("શાહ", "Shah"), ("મહેતા", "Mehta")],
    ),
    "ml": (
        [("ലക്ഷ്മി", "Lakshmi"), ("ശ്രീജിത്ത്", "Sreejith")],
        [("നായർ", "Nair"), ("മേനോൻ", "Menon")],
    ),
    "ur": (
        [("عائشہ", "Ayesha"), ("عمران", "Imran")],
        [("صدیقی", "Siddiqui"), ("انصاری", "Ansari")],
    ),
    "en": (
        [("Grace", "Grace"), ("Joseph", "Joseph"), ("Lalrinawma", "Lalrinawma")],
        [("Fernandes", "Fernandes"), ("D'Souza", "D'Souza"), ("Sangma", "Sangma")],
    ),
}

NAMES: tuple[Name, ...] = tuple(
    Name(f"{given[0]} {family[0]}", f"{given[1]} {family[1]}", language)
    for language, (given_names, family_names) in _PARTS.items()
    for given, family in product(given_names, family_names)
)


def name_of(number: int) -> Name:
    """Return the name of the learner with this number; the same number, the same name."""
    return NAMES[(number * 7919) % len(NAMES)]
