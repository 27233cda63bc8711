"""What can be booked, as everybody sees it."""

from uuid import uuid4

from tests.component.enrollment.shop import Shop
from tests.component.enrollment.visitor import Visitor

HOSTILE = "<script>alert('x')</script>\"'{{ 7*7 }}"


def test_the_catalogue_leads_to_a_workshop(shop: Shop) -> None:
    visitor = Visitor(shop).open("/workshops")
    assert "No workshop is open for booking" in visitor.text
    workshop_id = shop.plan(title=f"Scrum {HOSTILE}")
    for path in ("/", "/workshops", f"/workshops/{workshop_id}"):
        visitor.open(path)
        assert visitor.status == 200
        assert HOSTILE in visitor.text
        assert "<script>alert" not in visitor.page.html
    assert "Mon 8 to Tue 9 Mar 2027" in visitor.text
    assert "Mon 8 Mar 2027, 10:00 to 18:00 CET" in visitor.text
    assert "14 h, all of it to be attended" in visitor.text
    assert visitor.open(f"/workshops/{uuid4()}").status == 404
    draft = shop.plan(publish=False)
    assert visitor.open(f"/workshops/{draft}").status == 404
    assert visitor.open(f"/workshops/{draft}/book").status == 404
