"""`python -m flows.cli`: the command, for processes that start one another."""
from flows.cli import main

main()
