// A page that tells of work in progress loads its parts again by itself until the work is done.
// Without this file the page says the same after a reload.
(function () {
  "use strict";

  var region = document.querySelector("[data-live]");
  if (!region || !window.fetch || !window.DOMParser) return;

  var parts = [region].concat(Array.prototype.slice.call(document.querySelectorAll("[data-live-too]")));
  var shown = parts.map(function (part) { return part.textContent; });
  var every = 1000;
  var stopped = false;
  region.setAttribute("aria-live", "polite");
  explain();

  // What moves by itself can be stopped.
  function explain() {
    var note = region.querySelector("[data-live-note]");
    if (!note) return;
    var stop = document.createElement("button");
    stop.type = "button";
    stop.className = "r-link-button";
    stop.textContent = "stop that";
    stop.addEventListener("click", function () {
      stopped = true;
      note.textContent = "";
    });
    note.append("; this page does so by itself (", stop, ")");
  }

  // Nothing is taken out of the hands of somebody who types, or is about to press a button.
  function show(page) {
    var all = true;
    parts.forEach(function (part, number) {
      var fresh = page.getElementById(part.id);
      if (!fresh || fresh.textContent === shown[number]) return;
      if (part.contains(document.activeElement)) {
        all = false;
        return;
      }
      shown[number] = fresh.textContent;
      part.innerHTML = fresh.innerHTML;
      if (part === region) explain();
    });
    return all;
  }

  function look() {
    if (stopped) return;
    if (document.hidden) return again();
    fetch(window.location.href, { credentials: "same-origin" })
      .then(function (answer) {
        if (!answer.ok || answer.redirected) throw new Error("no such page now");
        return answer.text();
      })
      .then(function (text) {
        var page = new DOMParser().parseFromString(text, "text/html");
        var fresh = page.getElementById(region.id);
        var goesOn = fresh && fresh.hasAttribute("data-live");
        if (!show(page) || goesOn) again();
      })
      .catch(again);
  }

  function again() {
    every = Math.min(every * 1.25, 10000);
    window.setTimeout(look, every);
  }

  window.setTimeout(look, every);
})();
