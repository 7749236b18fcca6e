"""`python -m affectlens` is the command `affectlens`."""

from affectlens.cli.main import main

if __name__ == "__main__":
    main()
