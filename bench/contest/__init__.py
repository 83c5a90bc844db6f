"""The progress stream and its peers at the same job: how fast, and what a kill does to it.

Each has topics, a store and a state directory of its own, with the same data in them. All are
watched from outside, by the completions that appear on their topic.
"""
