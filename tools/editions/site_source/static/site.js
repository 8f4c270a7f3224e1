// What scrolls sideways can be reached by the keyboard; what does not is no stop of the Tab key.
const WIDE = "pre, .table-wrapper, .output.text_html, .math-wrapper, .figure-numbers > div, dt.sig";

function markWide() {
  for (const part of document.querySelectorAll(WIDE)) {
    if (part.scrollWidth > part.clientWidth) {
      part.tabIndex = 0;
      if (part.localName !== "dt") {
        const cell = part.closest(".cell_input, .cell_output");
        const said = [cell?.getAttribute("aria-label"), "wider than the page: scroll sideways"];
        part.setAttribute("role", "group");
        part.setAttribute("aria-label", said.filter(Boolean).join(", "));
      }
    } else if (part.tabIndex === 0) {
      for (const name of ["tabindex", "role", "aria-label"]) part.removeAttribute(name);
    }
  }
}

// What a cell printed in sentences is wrapped; columns, which more than one blank tells apart, stay as they are.
for (const printed of document.querySelectorAll("div.cell_output pre")) {
  if (!/\S {2,}\S/.test(printed.textContent)) printed.classList.add("sentences");
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
  button.addEventListener("click", () => {
    button.focus();  // not every browser does it
    box.click();
  });
  label.replaceWith(button);
}

// An open drawer has the focus, and what lies beneath can't be reached: the dark around it is a button that closes it.
const BENEATH = ".skip-to-content, .mobile-header, .sidebar-drawer, .content, .toc-drawer";

function keepFocus(box, drawer) {
  let opener = null;
  box.addEventListener("change", () => {
    if (box.checked) opener = document.activeElement;
    for (const part of document.querySelectorAll(BENEATH)) part.inert = box.checked && part !== drawer;
    if (box.checked) [...drawer.querySelectorAll("a")].find((link) => link.offsetParent)?.focus();
    else opener?.focus();
  });
  drawer.addEventListener("click", (event) => {
    if (!box.checked || !event.target.closest("a[href^='#']")) return;
    opener = null;  // the focus goes where the link leads
    box.click();
  });
}

// The button that changes the colours says which there are.
function sayTheme() {
  const theme = document.body.dataset.theme, said = theme === "auto" ? "as the system has it" : theme;
  for (const button of document.querySelectorAll(".theme-toggle")) {
    button.setAttribute("aria-label", `Colour theme: ${said}. Press to change`);
  }
}

// What a search has found is told in a place that was there before: a screen reader hears of nothing else.
function sayFound(results) {
  const told = document.getElementById("search-told");
  new MutationObserver(() => {
    const text = results.querySelector(".search-summary")?.textContent ?? "";
    if (text !== told.textContent) told.textContent = text;
  }).observe(results, { childList: true, subtree: true });
}

addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll(".overlay, .nav-overlay-icon, .toc-overlay-icon").forEach(asButton);
  for (const [name, drawer] of [["__navigation", ".sidebar-drawer"], ["__toc", ".toc-drawer"]]) {
    const box = document.getElementById(name);
    if (box) keepFocus(box, document.querySelector(drawer));
  }
  addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const box of document.querySelectorAll(".sidebar-toggle:checked")) box.click();
  });
  sayTheme();
  new MutationObserver(sayTheme).observe(document.body, { attributeFilter: ["data-theme"] });
});

// Found before the search begins: its script runs when the page is there.
if (document.getElementById("search-told")) sayFound(document.getElementById("search-results"));
