// What scrolls sideways can be reached by the keyboard; what does not is no stop of the Tab key.
const WIDE = "pre, .table-wrapper, .output.text_html, .math-wrapper, .figure-numbers > div, dt.sig";

function markWide() {
  for (const part of document.querySelectorAll(WIDE)) {
    if (part.scrollWidth > part.clientWidth) {
      part.tabIndex = 0;
      if (part.localName === "div") {
        part.setAttribute("role", "group");
        part.setAttribute("aria-label", "wider than the page: scroll sideways");
      }
    } else if (part.tabIndex === 0) {
      for (const name of ["tabindex", "role", "aria-label"]) part.removeAttribute(name);
    }
  }
}

addEventListener("load", async () => {
  await window.MathJax?.startup?.promise;
  markWide();
  addEventListener("resize", markWide);
  for (const fold of document.querySelectorAll("details")) fold.addEventListener("toggle", markWide);
});

// The two drawers of a narrow window are opened by a label and a hidden box: here a button takes the label's place.
function asButton(label) {
  const box = document.getElementById(label.htmlFor), button = document.createElement("button");
  button.type = "button";
  button.className = `${label.className} drawer-button`;
  button.setAttribute("aria-label", box.getAttribute("aria-label"));
  button.append(...label.childNodes);
  const say = () => button.setAttribute("aria-expanded", String(box.checked));
  say();
  box.addEventListener("change", say);
  button.addEventListener("click", () => box.click());
  label.replaceWith(button);
}

addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll(".nav-overlay-icon, .toc-overlay-icon").forEach(asButton);
  addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const box of document.querySelectorAll(".sidebar-toggle:checked")) box.click();
  });
});
