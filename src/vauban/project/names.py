"""What the name of a column suggests: ids, codes, times, what is known only later, who can change it."""

from __future__ import annotations

import re


def words_of(name: str) -> frozenset[str]:
    """Return the words of a column's name in lower case: "PolicyNumber" and "policy_number" have two."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Za-z])(?=\d)", " ", name)
    return frozenset(w for w in re.split(r"[\W_]+", apart.lower()) if w)


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


ID = _set(
    "id ids uuid guid ref reference number no nr num key index idpol row rowname rownames serial policynumber member "
    "account"
)
POSTAL = _set("zip zipcode postcode postal plz postleitzahl zipcodes")
TIME = _set("date time timestamp datetime issued issue applied application created month day opened submitted")
CODED = _set(
    "code type class category cat region sex gender race ethnicity marital marriage status purpose education area make "
    "brand model channel branch group kind flag state city county country occupation job industry sector product "
    "segment nationality religion plan housing occ dept department"
)
LATER = _set(
    "recoveries recovery recovered collection chargeoff chargedoff charged settlement settled writeoff outcome "
    "outprncp prncp prncipal rec pymnt lastpymnt closed resolution verdict paid final hardship"
)
BORN = _set(
    "age sex gender male female race ethnicity black white asian hispanic latino minority nationality birth born dob "
    "foreign religion origin country disability"
)
PAST = _set(
    "history past previous prior delinq delinquent delinquency late bankruptcies bankruptcy default defaults score "
    "rating grade bureau inq inquiries pub rec liens fico bonus malus worst times since year"
)
DECIDED = _set("rate apr installment grade subgrade approved limit deductible premium tier rep agent")
GROWS = _set("tenure years experience seniority education degree length acc total dependents children")


def suggests(name: str, words: frozenset[str]) -> str | None:
    """Return the first of these words that a name holds, or None."""
    found = sorted(words_of(name) & words)
    return found[0] if found else None
