"""Learning by reward: algorithms that improve a mind's weights from what it lives through."""

NAMES = ("ppo", "recurrent_ppo", "dqn")
