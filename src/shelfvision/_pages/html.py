"""HTML pages and tables from Jinja2 templates, with escaped text and inline images.

A template in the folder ``templates`` defines the layout of a page; the caller passes plain values.
Every text in a template passes through `printable`, which escapes control and direction characters,
and then through Jinja's autoescape. Templates cannot bypass this. `photo_uri` and `svg_uri` put
pictures inside the page, whose content security policy allows nothing else.

Only the review page has scripts. A template writes a script or a style sheet of this package with
``asset(name) | safe`` and allows exactly this text in its content security policy with
``asset_hash(name)``. Data for a script are JSON, which Jinja's ``tojson`` escapes.

Examples
--------
>>> "&lt;3&gt;" in render_template("trainer.html", chosen={"epochs": "<3>"}, others={})
True
"""

from __future__ import annotations

import base64
import hashlib
import io
from functools import cache, partial
from typing import TYPE_CHECKING

from PIL import Image as PillowImage

from shelfvision._text import printable
from shelfvision._validation import counted
from shelfvision.protocols import Image

if TYPE_CHECKING:
    from jinja2 import Environment


def render_template(template: str, /, **values: object) -> str:
    """Return a template of this package as text.

    Parameters
    ----------
    template : str
        The file's name in ``templates``.
    **values : object
        The variables of the template; a missing one raises `jinja2.UndefinedError`.

    Returns
    -------
    str
        The page, or the part of a page.
    """
    return _environment().get_template(template).render(values)


def photo_uri(pixels: Image) -> str:
    """Return a photo as the ``src`` of an ``img``: a JPEG file as a data URI."""
    return jpeg_uri(jpeg_of(pixels))


def jpeg_uri(file: bytes) -> str:
    """Return a JPEG file as the ``src`` of an ``img``."""
    return _uri("image/jpeg", file)


def jpeg_of(pixels: Image, *, quality: int = 80) -> bytes:
    """Return a photo as the bytes of a JPEG file."""
    file = io.BytesIO()
    PillowImage.fromarray(pixels).save(file, "JPEG", quality=quality)
    return file.getvalue()


def svg_uri(svg: bytes) -> str:
    """Return a drawing as the ``src`` of an ``img``: an SVG file as a data URI."""
    return _uri("image/svg+xml", svg)


def _uri(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("shelfvision._pages", "templates"),
        autoescape=True,
        finalize=_shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals["asset"] = partial(_source, environment)
    environment.globals["asset_hash"] = partial(_asset_hash, environment)
    environment.filters["counted"] = counted
    environment.filters["thousands"] = "{:,}".format
    return environment


def _shown(value: object) -> object:
    """Return a value with printable text, before Jinja escapes it."""
    # Markup is a subclass of str that only templates create.
    return printable(value) if type(value) is str else value


def _asset_hash(environment: Environment, name: str) -> str:
    """Return the source expression that allows an asset in a content security policy."""
    digest = hashlib.sha256(_source(environment, name).encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"


def _source(environment: Environment, name: str) -> str:
    """Return the text of a file in ``templates``."""
    loader = environment.loader
    if loader is None:
        raise RuntimeError("the environment of the templates has no loader")
    # Browsers hash the text with these line ends.
    return loader.get_source(environment, name)[0].replace("\r\n", "\n")
