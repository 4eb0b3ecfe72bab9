"""Charts: one module per kind in `nodescope.charts.gallery`, each a pure function from collected tables to figures.

A module of the gallery declares itself with ``CHART``, a `nodescope.charts.chart.Chart`, and has ``figures(tables, context)``:
``tables`` maps the names that the chart asks for to frames, and it gives `nodescope.charts.figure.Figure` objects. Nothing is
imported here, since the registry is read in every job.
"""
