// Makes pages smoother; every one of them works without it.

// What the page, or a piece that htmx brought in, holds for us.
function ready() {
  for (const button of document.querySelectorAll("[data-copy]")) button.hidden = !navigator.clipboard;
  for (const note of document.querySelectorAll("[data-toast]")) toast(note);
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

document.addEventListener("htmx:after:swap", ready);
ready();
