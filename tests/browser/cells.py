"""Code of notebook cells that the browser tests run."""

LOAD = "%load_ext nb_artifacts\nimport nb_artifacts as nba\nimport pandas as pd"

TYPES = {
    "link": 'nba.create_link_artifact("https://example.org/flights/2013/", "The raw data", key="each-link")',
    "markdown": (
        "%%artifact markdown --key each-markdown --description 'What *January* was like'\n"
        "## January\n\nDelays fell by **{4 * 3} %**, mostly at EWR.\n\n- weather\n- crews"
    ),
    "progress": (
        "# three steps, seen as a bar\n"
        'for step in nba.track(range(3), key="each-progress", description="Three steps"):\n    pass'
    ),
    "image": (
        "import matplotlib.pyplot as plt\n"
        "figure, axes = plt.subplots(figsize=(5, 3))\n"
        "axes.plot([3, 1, 2, 5, 4])\n"
        'nba.create_image_artifact(image=figure, key="each-image", description="A curve")\nplt.close(figure)'
    ),
    "table": (
        "%%artifact table --key each-table --description 'Delays per carrier'\n"
        'pd.DataFrame({"carrier": ["F9", "EV", None], "flights": [685, 54173, 601], "delay": [20.216, 19.955, None]})'
    ),
    "display": (
        '%%artifact display --key each-display\nfrom IPython.display import HTML\nHTML("<b>bold words</b> and <i>others</i>")'
    ),
}
"""One cell for each type, keyed ``each-<type>``."""

TRUTHS = {
    "link": "The raw data",
    "markdown": "Delays fell by",
    "progress": "finished",
    "image": "each-image",
    "table": "EV",
    "display": "bold words",
}
"""What a reader must find of each in its static form."""

KEYLESS = 'nba.create_markdown_artifact("A note **without a key**")'

EACH = [LOAD, *TYPES.values(), KEYLESS]
