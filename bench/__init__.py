"""Measured tables: `make bench`, or `python -m bench --help`.

Each measurement runs what the project ships beside a baseline, in the same run, on the same
machine, in turns, and says the ratio. The ratio is the figure: absolute ones belong to a machine.
"""
