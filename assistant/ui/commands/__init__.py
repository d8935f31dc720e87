"""The verbs of the command line, a file each: ``add`` declares what it takes, ``run`` does it.

``assistant eval`` is `assistant.ui.commands.evaluate`.
"""
