// Makes pages smoother; every one of them works without it.

// What the page, or a piece that htmx brought in, holds for us.
function ready() {
  for (const button of document.querySelectorAll("[data-copy]")) button.hidden = !navigator.clipboard;
  for (const note of document.querySelectorAll("[data-toast]")) toast(note);
  for (const chip of document.querySelectorAll(".u-chips [aria-current]")) { // on a phone it may be out of sight
    chip.parentElement.scrollLeft = chip.offsetLeft - chip.parentElement.offsetLeft - 16;
  }
}

// The sentence on top of the page becomes a toast that leaves by itself: the page says it too.
function toast(note) {
  const bread = document.createElement("div");
  bread.className = "u-toast";
  bread.append(...note.childNodes);
  document.querySelector(".u-toasts").append(bread);
  note.remove();
  let leaving = setTimeout(() => bread.remove(), 8000);
  bread.addEventListener("pointerenter", () => clearTimeout(leaving));
  bread.addEventListener("pointerleave", () => {
    leaving = setTimeout(() => bread.remove(), 3000);
  });
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const word = button.querySelector("span");
  await navigator.clipboard.writeText(button.parentElement.querySelector("pre").textContent);
  word.textContent = "Copied";
  setTimeout(() => { word.textContent = "Copy"; }, 2000);
});

// What is not possible stays focusable, and does nothing.
document.addEventListener("click", (event) => {
  if (event.target.closest('[aria-disabled="true"]')) event.preventDefault();
}, true);

// A second click on the same button is the same deed: a form is sent once.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post") return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  setTimeout(() => { delete form.dataset.sent; }, 8000); // the answer may have been lost
});
addEventListener("pageshow", () => { // the page may come back as it was left
  for (const form of document.querySelectorAll("[data-sent]")) delete form.dataset.sent;
});

// Dialogs open by `command` where the browser knows it, else by these lines.
if (!("commandForElement" in HTMLButtonElement.prototype)) {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[commandfor]");
    const dialog = button && document.getElementById(button.getAttribute("commandfor"));
    if (!dialog) return;
    if (button.getAttribute("command") === "show-modal") dialog.showModal();
    if (button.getAttribute("command") === "close") dialog.close();
  });
}

// One box ticks all of a list; without a script the server does it.
document.addEventListener("change", (event) => {
  const name = event.target.dataset.ticks;
  if (name) for (const box of document.querySelectorAll(`[name="${name}"]`)) box.checked = event.target.checked;
  const all = event.target.name === "who" && document.querySelector("[data-ticks=who]");
  if (all && !event.target.checked) all.checked = false; // who is ticked off is not meant
});

// What is being mended is not called wrong any more.
document.addEventListener("input", (event) => event.target.removeAttribute("aria-invalid"));

// A suggestion is put into the field it is for; without a script it is a link that does the same.
document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-put]");
  const field = link && document.getElementById(link.dataset.into);
  if (!field) return;
  event.preventDefault();
  field.value = link.dataset.put;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.focus();
});

// An ID is suggested from a name, until somebody types another.
const asId = (name) => name.normalize("NFKD").replace(/[\u0300-\u036f]/g, "").toLowerCase()
  .replace(/[^a-z0-9]+/g, "-").replace(/^-/, "").slice(0, 40).replace(/-$/, "");
document.addEventListener("input", (event) => {
  const field = document.getElementById(event.target.dataset.suggests);
  if (!field || field.value !== (field.dataset.suggested ?? "")) return;
  field.value = field.dataset.suggested = asId(event.target.value);
  field.dispatchEvent(new Event("input", { bubbles: true }));
});

// What the reader opened on a page that refreshes by itself stays open.
htmx.config.morphIgnore.push("open");

// A page that refreshes by itself says when it cannot, and is hidden the sentence by the next that can.
document.addEventListener("htmx:error", () => {
  const old = document.getElementById("old");
  if (old) old.hidden = false;
});

document.addEventListener("htmx:after:swap", ready);
ready();
