"""Pages are gzipped where the browser takes it: a long list is a tenth of its size on the wire.

Static files are compressed once, in `static_files`. A page holds a form's token beside words a stranger may have
chosen (a search, say), and the length of compressed text tells how alike its parts are. Browsers send no cookie
of ours with requests from other sites, and a stretch of random length in gzip's header blurs the length for
whoever watches the line.
"""

import gzip
import io
import secrets

from flask import Flask, Response, request

SMALLEST = 1400
"""Bytes. What fits into one packet gains nothing."""

_LEVEL = 5
_LONGEST_STRETCH = 96


def install_compression(app: Flask) -> None:
    """Compress every page of the app."""
    app.after_request(_compress)


def _compress(response: Response) -> Response:
    if response.mimetype != "text/html" or response.is_streamed or response.content_encoding:
        return response
    response.vary.add("Accept-Encoding")
    if request.accept_encodings.quality("gzip") <= 0:
        return response
    page = response.get_data()
    if len(page) < SMALLEST:
        return response
    packed = io.BytesIO()
    stretch = "x" * secrets.randbelow(_LONGEST_STRETCH)
    with gzip.GzipFile(filename=stretch, mode="wb", compresslevel=_LEVEL, fileobj=packed, mtime=0) as file:
        file.write(page)
    response.set_data(packed.getvalue())
    response.content_encoding = "gzip"
    return response
