"""Signing and checking as git does it, offline, with the programs that git uses.

Two formats: ``ssh`` (``ssh-keygen -Y``) and ``gpg`` (``gpg``). Which one, which key, and whom to
trust stands in git's configuration.
"""
