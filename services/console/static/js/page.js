"use strict";
// What every page needs: forms that cannot be sent twice, and polls that end with the session.

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (form.dataset.sent) { event.preventDefault(); return; }
  form.dataset.sent = "yes";
});

// Coming back by the browser's "back" shows the page as it was: the form may be sent again.
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

// A hidden page asks for nothing.
document.addEventListener("htmx:beforeRequest", (event) => {
  const polled = (event.detail.elt.getAttribute("hx-trigger") || "").startsWith("every");
  if (polled && document.hidden) event.preventDefault();
});

// Paper shows what is folded away on the screen.
window.addEventListener("beforeprint", () => {
  for (const part of document.querySelectorAll("details:not(.act)")) part.open = true;
});

const refusal = document.getElementById("refusal");
if (refusal) { refusal.tabIndex = -1; refusal.focus(); }

// A field that counts only for some answers is shown only for them, and asked for only then.
function showFields(form) {
  for (const field of form.querySelectorAll("[data-when-field]")) {
    const asked = form.elements[field.dataset.whenField];
    const wanted = asked && field.dataset.whenValues.split(" ").includes(asked.value);
    field.hidden = !wanted;
    for (const input of field.querySelectorAll("input, select, textarea")) {
      input.disabled = !wanted;
      input.required = Boolean(wanted && "whenMust" in field.dataset);
    }
  }
}
for (const form of document.querySelectorAll("form:has([data-when-field])")) {
  showFields(form);
  form.addEventListener("change", () => showFields(form));
}

// A draft opens beside the page: the form itself was not sent and may be sent again.
document.addEventListener("click", (event) => {
  const button = event.target.closest("button[formtarget=_blank]");
  if (button) setTimeout(() => { delete button.form.dataset.sent; }, 0);
});
