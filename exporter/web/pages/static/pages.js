// Comforts only: every page is complete without this.
"use strict";

// A filter takes effect as it is chosen, and what was not chosen is left out of the address.
for (const form of document.querySelectorAll("form[data-submits]")) {
  form.addEventListener("submit", () => {
    for (const field of form.elements) {
      if (field.name && field.value === "") field.disabled = true;
    }
  });
  form.addEventListener("change", (event) => {
    if (event.target.tagName === "SELECT") form.requestSubmit();
  });
}
// On the way back the browser may show the page as it was left.
window.addEventListener("pageshow", () => {
  for (const field of document.querySelectorAll("form[data-submits] :disabled")) field.disabled = false;
});

for (const button of document.querySelectorAll("button[data-copy]")) {
  const text = document.getElementById(button.dataset.copy);
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text.textContent);
      button.textContent = "Copied";
    } catch {
      // Browsers give the clipboard to pages over HTTPS only.
      getSelection().selectAllChildren(text);
      button.textContent = document.execCommand("copy") ? "Copied" : "Selected: press Ctrl+C";
    }
  });
}
