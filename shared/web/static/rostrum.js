// Everything works without this file. It adds three courtesies.
(function () {
  "use strict";

  // 1. Times are written in the zone of the place; add the reader's own where that differs.
  var own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  document.querySelectorAll("time[datetime]").forEach(function (element) {
    var at = new Date(element.getAttribute("datetime"));
    if (isNaN(at)) return;
    var clock = { hour: "2-digit", minute: "2-digit" };
    var local = at.toLocaleTimeString("en-GB", clock);
    if (!own || element.textContent.indexOf(local) !== -1) return;
    var sameDay = element.textContent.indexOf(at.toLocaleDateString("en-GB", { weekday: "short" })) !== -1;
    var day = sameDay ? "" : at.toLocaleDateString("en-GB", { weekday: "short" }) + " ";
    var note = document.createElement("span");
    note.className = "r-own-time";
    var until = element.dataset.until && new Date(element.dataset.until).toLocaleTimeString("en-GB", clock);
    note.textContent = " (" + day + local + (until ? " to " + until : "") + " your time)";
    element.after(note);
  });

  // 2. A form that was sent is not sent again by an impatient second click.
  document.querySelectorAll("form").forEach(function (form) {
    form.addEventListener("submit", function (event) {
      if (form.dataset.sent && Date.now() - Number(form.dataset.sent) < 5000) {
        event.preventDefault();
        return;
      }
      form.dataset.sent = String(Date.now());
    });
  });

  // 3. Coming to a page with errors, start at their summary; its links lead into the fields.
  var summary = document.querySelector("[data-error-summary]");
  if (summary) {
    summary.focus();
    summary.addEventListener("click", function (event) {
      var name = event.target.getAttribute("href");
      var field = name && name.charAt(0) === "#" && document.getElementById(name.slice(1));
      if (!field) return;
      event.preventDefault();
      var block = field.closest(".r-field") || field;
      block.scrollIntoView();
      field.focus({ preventScroll: true });
    });
  }
})();
