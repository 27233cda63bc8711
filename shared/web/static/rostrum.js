// Everything works without this file. It adds five courtesies.
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
    note.textContent = "(" + day + local + (until ? " to " + until : "") + " your time)";
    // The space stands outside: the note itself is kept in one line.
    element.after(" ", note);
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

  // 4. A last moment counts down. The server says how many seconds are left; this machine's clock is not asked what
  //    time it is, only how much has passed. Every second is shown, but only two moments are read aloud.
  document.querySelectorAll("[data-remaining]").forEach(function (shown) {
    var aloud = shown.parentElement.querySelector("[data-remaining-aloud]");
    var begun = performance.now();
    var total = Number(shown.dataset.remaining);
    var said = total;
    function words(seconds) {
      var hours = Math.floor(seconds / 3600);
      var minutes = Math.floor((seconds % 3600) / 60);
      function many(number, unit) { return number + " " + unit + (number === 1 ? "" : "s"); }
      if (hours) return many(hours, "hour") + (minutes ? " " + many(minutes, "minute") : "") + " left";
      if (seconds >= 300) return many(minutes, "minute") + " left";
      return (minutes ? many(minutes, "minute") + " " : "") + many(seconds % 60, "second") + " left";
    }
    function show() {
      var left = Math.max(0, Math.ceil(total - (performance.now() - begun) / 1000));
      var text = left ? words(left) : shown.dataset.over;
      if (shown.textContent !== text) shown.textContent = text;
      shown.classList.toggle("r-remaining-little", left < 300);
      [300, 60, 0].forEach(function (moment) {
        if (left <= moment && said > moment && aloud) aloud.textContent = text + (left ? ". " + shown.dataset.soon : "");
      });
      said = left;
      if (left) setTimeout(show, 1000 - ((performance.now() - begun) % 1000) + 5);
    }
    shown.hidden = false;
    show();
  });

  // 5. A page that is meant for paper has a button to print it.
  document.querySelectorAll("[data-print]").forEach(function (button) {
    button.hidden = false;
    button.nextElementSibling.hidden = true;
    button.addEventListener("click", function () { window.print(); });
  });
})();
