"""Many enrollments: what an event costs among them, and what memory the stream takes.

The stream itself makes documents of a few learners, one for each stand in the course. All others
are their copies under other ids, and so are the reports: a million of either take minutes, not
hours. What is measured is the stream's own process on them.
"""
