"""Seed phrases of wallets: 12, 15, 18, 21 or 24 lower-case words after a name such as ``mnemonic``.

The list of the 2,048 words is not needed: the name, the sign after it and the exact number of words are enough. Words
such as "the", which no list has and most sentences have, mark prose.
"""

from ingest.privacy.redaction.spans import Find, secrets_of

_NAME = rb"(?:mnemonic|(?:seed|recovery|backup|secret|wallet)[ _-]?(?:phrase|words?))"
_WORDS = rb"[a-z]{3,8}(?: [a-z]{3,8}){11}"
_PROSE = rb"(?:the|and|for|from|with|not|but|are|was|has|its|our|their)"

# Quotes may be escaped, and HTML's signs written as \u00XX. For detection a few words are enough.
SEED_PHRASE = rb"(?i)" + _NAME + rb"[a-z_-]*(?:[\s:=>\"'\\nrt]|u00(?:27|3e))+(?:[a-z]{3,8} ){4}"
seed_phrases: Find = secrets_of(
    rb"(?i:(?<![a-z])" + _NAME + rb"(?:[_-][a-z_-]{0,15})?)[\"']?(?:\s{0,4}[:=]{1,2}>?\s{0,4}[\"']?|\s{1,4}[\"'])"
    rb"(?P<secret>(?!(?:[a-z]{3,8} ){0,23}" + _PROSE + rb"\b)" + _WORDS + rb"(?:(?: [a-z]{3,8}){3}){0,4}+)"
    rb"(?![ ]?[a-zA-Z0-9])"
)
