"""Training: all replicas of a configuration together, learning-rate search, early stopping, resumption.

- `configuration`: train all nets of a configuration; `search`: the rounds of the learning-rate search; `rounds`: one of
  them, with checkpoints, snapshots and progress; `results`: tables and networks that come of it
- `replicas`: the training loop of a stack; `optimisers`, `schedules`, `augmentation`, `captured_step`: its parts
- `state`, `data`, `evaluation`: what is trained, on what, and how well it does
- `pattern_evolution`: patterns through training; `pattern_probe`, `pattern_counter`, `pattern_states`: its parts,
  the latter two of `nodescope.following` too
"""
