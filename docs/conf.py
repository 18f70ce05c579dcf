"""How the documentation is built."""

from __future__ import annotations

from pathlib import Path

import shelfvision

HERE = Path(__file__).parent

project = "shelfvision"
author = "The shelfvision developers"
project_copyright = author
version = release = shelfvision.__version__
folder = "dev" if ".dev" in release else ".".join(release.split(".")[:2])

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
]
templates_path = ["_templates"]
exclude_patterns = ["_build", "_inventories"]
nitpicky = True
default_role = "autolink"

# -- pages -------------------------------------------------------------------------------------

myst_enable_extensions = ["colon_fence", "deflist", "substitution"]
myst_heading_anchors = 3

# Prompts and what was printed stay behind when code is copied.
copybutton_exclude = ".linenos, .gp, .go"

# -- reference ---------------------------------------------------------------------------------

autosummary_generate = True
autosummary_imported_members = False
# Types stand in the Parameters sections, in words.
autodoc_typehints = "none"
autodoc_member_order = "groupwise"
autodoc_preserve_defaults = True
toc_object_entries_show_parents = "hide"
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
numpydoc_xref_param_type = False
numpydoc_validation_checks = {
    "all",
    "ES01",  # an extended summary where one sentence says all is noise
    "EX01",  # examples stand on the main entry points
    "GL01",  # summaries start on the line of the opening quotes
    "PR01",  # fields of dataclasses have docstrings of their own; tests/test_docs.py knows
    "RT01",  # "Return this." says it all for some; tests/test_docs.py looks at the rest
    "RT02",  # a returned value may have a name, as in numpy's own documentation
    "SA01",  # a See Also section on every function is noise
    "SS06",  # the sentence about a field may take two lines; ruff looks at functions
    "YD01",  # the same as RT01
}
numpydoc_validation_exclude = {
    r"\.[A-Z][A-Z_]+$",  # constants
    r"(Scaling|Calibration)\.name$",  # a text, whose own docstring numpydoc would look at
    r"\.Taxonomy\.(levels|paths)$",  # fields of its base: shown, but not where numpydoc looks
}

# -- links to other projects, from inventories kept here, so that no network is needed ----------

intersphinx_mapping = {
    "python": ("https://docs.python.org/3", str(HERE / "_inventories" / "python.inv")),
    "numpy": ("https://numpy.org/doc/stable", str(HERE / "_inventories" / "numpy.inv")),
    "matplotlib": ("https://matplotlib.org/stable", str(HERE / "_inventories" / "matplotlib.inv")),
    "pandas": ("https://pandas.pydata.org/docs", str(HERE / "_inventories" / "pandas.inv")),
    "keras": ("https://keras.io", str(HERE / "_inventories" / "keras.inv")),
}

# -- gallery: programs that run, with the pictures that they draw -------------------------------

sphinx_gallery_conf = {
    "examples_dirs": str(HERE.parent / "examples" / "gallery"),
    "gallery_dirs": "gallery",
    "within_subsection_order": "FileNameSortKey",
    "abort_on_example_error": True,
    "download_all_examples": False,
    "show_memory": False,
    "show_signature": False,
    "min_reported_time": 10**6,  # how long it took says nothing to a reader
    "image_scrapers": ("matplotlib",),
    "remove_config_comments": True,
    "capture_repr": (),
    "default_thumb_file": str(HERE / "_static" / "predictions.png"),
    "doc_module": (),
    "write_computation_times": False,
}

# -- look --------------------------------------------------------------------------------------

html_theme = "pydata_sphinx_theme"
html_title = "shelfvision"
html_static_path = ["_static"]
html_css_files = ["shelfvision.css"]
# Pages of one level have no section to navigate in.
html_sidebars = {"install": [], "benchmarks": []}
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "header_links_before_dropdown": 6,
    "navigation_with_keys": False,
    "navbar_start": ["navbar-logo", "version-switcher"],
    # docs/versions.py writes the file beside the folders of the versions.
    "switcher": {"json_url": "../switcher.json", "version_match": folder},
    "check_switcher": False,
    "show_version_warning_banner": True,
    "show_prev_next": True,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
