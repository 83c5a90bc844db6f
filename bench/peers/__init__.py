"""The same job, as the documentation of each library recommends to write it.

Consume `progressed` and `enrolled`, keep state per learner and course, announce `completed` once
for each enrollment whose required units are all done. Each module is a program of its own,
`python -m bench.peers.NAME`, and links the page that it follows. They run in an environment of
their own (bench/requirements.lock) and import nothing of this project but this folder.

What they are spared: envelopes, dead letters, courses that change or come late, runs, assessment
units, telemetry, health. What the required units are, they are told at their start.
"""
