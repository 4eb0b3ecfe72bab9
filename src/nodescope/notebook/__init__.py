"""Results and recordings for people who work in Python: tables as polars frames, figures as altair charts."""
