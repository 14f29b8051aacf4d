"""A hostile guest that can be run: a catalogue of attacks, as far as one process can play them.

    python -m tests.attack --help
"""
