"""Figures of runs: curves, scatter, parallel coordinates, histograms, matrices and tables.

The modules here are light: plain data and pure functions. `runref.plot.text` draws with characters;
`runref.plot.drawing` alone imports matplotlib, so import it where something is drawn.
"""
