"""``python -m cli``, by which the supervisor starts its services."""

from cli.main import main

if __name__ == "__main__":
    main()
