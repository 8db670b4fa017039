"""What changed between two artifacts, by their type: tables, texts, images, numbers.

`compare` takes records and says it in plain structs; whoever calls it decides where tables are read: a kernel in its own
process, a server in its query process. A table never passes through memory whole.

frames → keys → changes → rows → table; text, image, number; compare, show.
"""

from nb_artifacts.diff.compare import Diff, Placed, compare
from nb_artifacts.diff.keys import names_of
from nb_artifacts.diff.result import TableAsk

__all__ = ["Diff", "Placed", "TableAsk", "compare", "names_of"]
