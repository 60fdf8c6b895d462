"""Git as runref uses it: repositories, objects, refs and locks; the only importer of dulwich.

Nothing is imported here: a command that needs only a lock does not pay for the object database.
"""
