"""Journeys: what a person, a card and practice software do with a box, written down once and played by three.

What it is: files of one readable format (``journey``), whoever plays one step after the other (``player``), and what is
printed of them (``papers``). What it is not: part of the box. The same file is a test (tests/journeys), an entry of the
front panel's list, and a section of docs/journeys.md.
Rule: every step does something or waits for something that is seen to happen; no step lets time pass by itself.
"""
