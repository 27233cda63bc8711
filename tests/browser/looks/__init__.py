"""Every page in every state. A new page needs a line here: `test_every_page_is_looked_at.py` says so."""

from tests.browser.looks import kernel, public, staff, stand_ins
from tests.browser.looks.look import Look

__all__ = ["LOOKS", "Look"]

LOOKS: tuple[Look, ...] = (*public.LOOKS, *staff.LOOKS, *kernel.LOOKS, *stand_ins.LOOKS)
