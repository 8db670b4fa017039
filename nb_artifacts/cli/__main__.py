"""``python -m nb_artifacts.cli``: the command line where no script is on the path."""

from nb_artifacts.cli import main

if __name__ == "__main__":
    main()
