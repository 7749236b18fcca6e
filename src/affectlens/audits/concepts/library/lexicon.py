"""Short word lists of our own; each concept that uses one says so."""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


NEGATION = _words(
    "no not never none nobody nothing nowhere neither nor cannot without hardly don't doesn't didn't won't wouldn't can't "
    "couldn't shouldn't isn't aren't wasn't weren't haven't hasn't hadn't ain't mustn't needn't"
)
FIRST_PERSON = _words("i me my mine myself i'm i've i'll i'd")
SECOND_PERSON = _words("you your yours yourself yourselves you're you've you'll you'd")
PROFANITY = _words(
    "damn damned goddamn hell crap shit bullshit fuck fucking fucked ass asshole bitch bastard piss pissed screw sucks"
)
POSITIVE = _words(
    "good great love loved loves lovely nice happy glad wonderful amazing awesome beautiful best better fun funny enjoy "
    "enjoyed excellent perfect fantastic brilliant cool sweet pretty liked favorite fabulous delightful thanks thank yay"
)
HEDGES = _words("maybe perhaps probably possibly guess suppose somewhat kinda sorta seems might")
INTENSIFIERS = _words("very really so totally absolutely completely extremely incredibly such definitely")
# Words that carry no topic.
EMPTY = _words(
    "a an the and or but if so to of in on at for from with by is are was were be been am do does did have has had i you he "
    "she it we they me him her us them my your his its our their this that these those what who how why when where not no yes "
    "yeah oh okay ok well just like know mean gonna can could would should will all there here up out about get got go one as "
    "um uh"
)
