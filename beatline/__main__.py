"""`python -m beatline` is the command `beatline`."""

from beatline.cli import main

main()
