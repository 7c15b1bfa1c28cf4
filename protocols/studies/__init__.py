"""Named studies, each a table of runs (``.toml``), and their figures.

Every function that draws takes a `StudyResult` and returns matplotlib figures by name: none of a
study that is about something else.
"""
