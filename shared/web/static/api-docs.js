/* Swagger UI as our documentation page: follows the system's colours, sends what our API wants. */

(function () {
  "use strict";

  // Swagger UI's dark colours hang on a class; ours follow the reader's system.
  var dark = window.matchMedia("(prefers-color-scheme: dark)");
  function colour() {
    document.documentElement.classList.toggle("dark-mode", dark.matches);
  }
  dark.addEventListener("change", colour);
  colour();

  function fresh(request, example) {
    // The key in the form is an example: sent twice, the second request would get the first one's answer.
    var key = request.headers["Idempotency-Key"];
    if (key === undefined || key === example) {
      request.headers["Idempotency-Key"] = window.crypto.randomUUID ? window.crypto.randomUUID() : String(Math.random()).slice(2);
    }
  }

  // What Swagger UI leaves out for people who listen: levels of headings, and names of its parts.
  var NAMES = {
    ".information-container": "About this API",
    ".scheme-container": "Sign-in",
  };
  function mend(root) {
    root.querySelectorAll("#operations :is(h3, h4, h5, h6)").forEach(function (heading) {
      var level = String(Number(heading.tagName.slice(1)) - 1);
      if (heading.getAttribute("aria-level") !== level) {
        heading.setAttribute("aria-level", level);
      }
    });
    root.querySelectorAll(".responses-table[role=region]:not([aria-label])").forEach(function (table) {
      var path = table.closest(".opblock").querySelector(".opblock-summary-path");
      table.setAttribute("aria-label", "Answers of " + table.closest(".opblock").querySelector(".opblock-summary-method").textContent + " " + path.dataset.path);
    });
    root.querySelectorAll("select:not([aria-label]):not([id])").forEach(function (select) {
      select.setAttribute("aria-label", "Example");
    });
    root.querySelectorAll("pre:not([tabindex]):not(.version)").forEach(function (text) {
      text.setAttribute("tabindex", "0");
    });
    Object.keys(NAMES).forEach(function (selector) {
      root.querySelectorAll(selector + ":not([role])").forEach(function (part) {
        part.setAttribute("role", "region");
        part.setAttribute("aria-label", NAMES[selector]);
      });
    });
  }

  window.rostrumApiDocs = function (options) {
    var root = document.getElementById("swagger-ui");
    new MutationObserver(function () { mend(root); }).observe(root, { childList: true, subtree: true });
    window.ui = window.SwaggerUIBundle({
      url: options.url,
      dom_id: "#swagger-ui",
      // Its links would stand inside buttons, where a keyboard cannot tell them apart.
      deepLinking: false,
      validatorUrl: null,
      defaultModelsExpandDepth: 0,
      displayRequestDuration: true,
      // Its colours are too faint on their ground.
      syntaxHighlight: false,
      // Calls made from this page carry the form token, as our own pages do.
      requestInterceptor: function (request) {
        if (request.method && request.method !== "GET") {
          request.headers["X-CSRF-Token"] = options.formToken;
          fresh(request, options.exampleKey);
        }
        return request;
      },
    });
  };
})();
