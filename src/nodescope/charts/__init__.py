"""Charts: one module per kind, each a pure function from collected tables to figures.

A module ``nodescope.charts.NAME`` has ``figures(tables, context)``, where ``tables`` maps the names that
`nodescope.charts.registry` lists to frames, and gives `nodescope.charts.context.Figure` objects. Nothing is
imported here, since the registry is read in every job.
"""
