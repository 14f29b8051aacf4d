"""A hostile guest that can be run: what ATTACKS.md lists, as far as one process can play it.

    python -m tests.attack --help
"""
