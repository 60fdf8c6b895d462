"""Curves of metrics over steps, as pictures.

`runref.plot.curves` and `runref.plot.formats` are light; `runref.plot.figures` alone imports
matplotlib, so import it where something is drawn.
"""
