"""Hostile requests, made with a knowledge of what a request is made of.

A small part runs with the tests (`test_hostile.py`). The whole:

    ./tests/fuzz/run --requests 1000000 [--seed N] [--seconds 480]

It starts the installed gridhook, sends so many requests (or for so many seconds), prints what was answered and how much
memory that took, and exits with 1 unless: no answer was 5xx but 503; each answer of 4xx and 5xx was a problem
document with a code; every verified webhook was acknowledged and is kept; no forged one was; memory stayed within the
caps and ended within 20 MB of the start. A failure names the case: `--seed N --only CASE` sends that one alone.

    ./tests/fuzz/run --beside 1000

measures instead what idle and dripping connections do to a steady load: its latencies without and beside them.
"""
