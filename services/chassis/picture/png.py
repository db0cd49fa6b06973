"""PNG of a picture, by resvg: the same bytes on machines with the same fonts."""

import resvg_py


def png(svg: bytes, zoom: float = 2.0) -> bytes:
    """Rasterise an SVG; `zoom` 2 is sharp on a phone and in print.

    Chinese text needs a Chinese font of the system (Debian: fonts-noto-cjk).
    """
    return bytes(resvg_py.svg_to_bytes(svg_string=svg.decode(), zoom=zoom))
