"""The stages of a study, each a function from files to files; a module each, since a stage depends on what it imports.

The scripts of the workflow call them, and so does `nodescope.run`: there is one implementation of each.
"""
