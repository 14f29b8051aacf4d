"""What boots a machine. Programs of their own, standard library only; tests/vm/machines.py runs them."""
