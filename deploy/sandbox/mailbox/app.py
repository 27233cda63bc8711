"""The mailbox's pages and its JSON."""

from flask import Flask, Response, current_app, jsonify, render_template, request
from markupsafe import Markup, escape

from deploy.sandbox.look import dress, see_other, wants_page
from deploy.sandbox.mailbox.letters import Letter, Mailbox, split_links

_EXTENSION = "mailbox_sandbox"
_SHOWN = 200


def create_app(mailbox: Mailbox) -> Flask:
    """The application that shows a mailbox."""
    app = Flask("deploy.sandbox.mailbox", static_folder=None, template_folder="templates")
    app.extensions[_EXTENSION] = mailbox
    dress(app, title="Mailbox sandbox", notice="Every letter ends here: none of them reaches anybody.")
    app.add_template_filter(linked, "linked")
    app.add_url_rule("/", view_func=list_letters)
    app.add_url_rule("/messages/<int:letter_id>", view_func=show_letter)
    app.add_url_rule("/messages/<int:letter_id>/raw", view_func=show_raw)
    app.add_url_rule("/_sandbox/messages", view_func=list_as_json)
    app.add_url_rule("/_sandbox/messages", view_func=clear, methods=["DELETE"])
    app.add_url_rule("/_sandbox/messages/clear", endpoint="clear_by_form", view_func=clear, methods=["POST"])
    return app


def linked(text: str) -> Markup:
    """Text with its web addresses as links. Everything else stays text."""
    link = Markup('<a href="{0}" rel="noreferrer noopener">{0}</a>')
    return Markup("").join(link.format(url) if url else escape(words) for url, words in split_links(text))


def list_letters() -> str:
    """The latest letters first, all or those of an address."""
    wanted = request.args.get("q", "")
    letters = _mailbox().newest_first(wanted)
    return render_template(
        "mailbox/letters.html", letters=letters[:_SHOWN], found=len(letters), wanted=wanted
    )


def show_letter(letter_id: int) -> str | tuple[str, int]:
    """One letter."""
    letter = _mailbox().get(letter_id)
    if letter is None:
        return render_template("mailbox/gone.html"), 404
    return render_template("mailbox/letter.html", letter=letter)


def show_raw(letter_id: int) -> Response | tuple[str, int]:
    """One letter as it came over the wire."""
    letter = _mailbox().get(letter_id)
    if letter is None:
        return render_template("mailbox/gone.html"), 404
    return Response(letter.raw, content_type="text/plain; charset=utf-8")


def list_as_json() -> Response:
    """The letters for tests: `?to=` narrows to one recipient, exactly."""
    wanted = request.args.get("to", "").strip().lower()
    letters = [
        letter
        for letter in _mailbox().newest_first()
        if not wanted or wanted in [address.lower() for address in letter.recipients]
    ]
    return jsonify(messages=[_show(letter) for letter in letters])


def clear() -> Response:
    """Throw everything away."""
    _mailbox().clear()
    return see_other("/") if wants_page() else jsonify(messages=[])


def _mailbox() -> Mailbox:
    mailbox = current_app.extensions[_EXTENSION]
    assert isinstance(mailbox, Mailbox)
    return mailbox


def _show(letter: Letter) -> dict[str, object]:
    return {
        "id": letter.id,
        "received_at": letter.received_at.isoformat(),
        "from": letter.sender,
        "to": list(letter.recipients),
        "subject": letter.subject,
        "headers": [list(pair) for pair in letter.headers],
        "text": letter.text,
        "html": letter.html,
        "links": letter.links,
        "attachments": list(letter.attachments),
    }
