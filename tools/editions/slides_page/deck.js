// Starts the deck: slides where there is room for them, a page to scroll where there is none.
"use strict";

const asked = new URLSearchParams(location.search);
// Printed, or shown in the window of the speaker, slides are slides at any width.
const always = asked.has("print-pdf") || asked.has("receiver");
const narrow = matchMedia("(max-width: 900px)");

window.MathJax = {
  options: { enableMenu: false },
  svg: { fontCache: "local" },
};

if (narrow.matches && !always) {
  document.documentElement.classList.add("page");
  for (const notes of document.querySelectorAll("aside.notes")) {
    const folded = document.createElement("details");
    folded.innerHTML = "<summary>Notes</summary>";
    folded.append(...notes.childNodes);
    notes.replaceWith(folded);
  }
} else {
  Reveal.initialize({
    plugins: [RevealNotes, RevealZoom],
    width: 1280,
    height: 720,
    margin: 0.02,
    center: false,
    display: "flex",
    hash: true,
    slideNumber: "c/t",
    transition: "none",
    maxScale: 4,
    scrollActivationWidth: null,
    pdfMaxPagesPerSlide: 1,
  });
}
if (!always) narrow.addEventListener("change", () => location.reload());
