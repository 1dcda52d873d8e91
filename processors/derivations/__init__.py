"""What is derived from a session at one position of the log: digests on request, the analysis after its end.

Pure, and a function of only the facts at and below that position: no clock, no randomness, no memory of earlier runs.
Both read a session's facts one after the other, in log order, and have a result after any of them.
"""
