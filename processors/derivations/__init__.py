"""What is derived of a session at one position of the log: digests on request, the analysis after its end.

Pure, and a function of the facts at and below that position alone: no clock, no random, nothing remembered. Both read a
session's facts one after the other, in log order, and can say what they have come to after any of them.
"""
