"""Ways to reach a learner. A channel that is down holds back its own messages and no others."""
