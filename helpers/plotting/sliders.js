// Names the sliders beside this widget, and says their values in words: ipywidgets leaves both to the eye, and a reader of
// the screen would say "slider, 3". The words are those in sight, the label before a slider and its value behind it. And
// when a slider has moved, the new picture's alt text is told, without leaving the slider.

function name(slider) {
    const label = slider.querySelector(".widget-label")?.textContent.trim();
    const value = slider.querySelector(".widget-readout")?.textContent.trim();
    const handle = slider.querySelector("[role=slider]");
    for (const [attribute, words] of [["aria-label", label], ["aria-valuetext", value]]) {
        // Only what differs is written, since each writing is noticed below.
        if (handle && words && handle.getAttribute(attribute) !== words) handle.setAttribute(attribute, words);
    }
    // The value can be clicked and typed over, so it is a field, and has a name, too.
    const readout = slider.querySelector(".widget-readout[contenteditable]");
    if (readout && label && !readout.hasAttribute("aria-label")) {
        readout.setAttribute("role", "textbox");
        readout.setAttribute("aria-label", label);
    }
}

const UNSEEN = "position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden; clip-path: inset(50%)";

export default {
    render({ el }) {
        let observer, waiting, told;
        const status = document.createElement("p");
        status.setAttribute("role", "status");
        status.style.cssText = UNSEEN;
        const tell = box => {
            const shown = box.querySelector("img")?.alt ?? box.querySelector(".widget-html p")?.textContent;
            if (shown && told && shown !== told) status.textContent = shown;
            told = shown ?? told;
        };
        // The widget is in the page a moment after it was made, and its neighbours perhaps later.
        const start = () => {
            const box = el.closest(".widget-vbox");
            if (!box) { waiting = setTimeout(start, 50); return; }
            box.append(status);
            const all = () => {
                box.querySelectorAll(".widget-hslider").forEach(name);
                tell(box);
            };
            observer = new MutationObserver(all);
            observer.observe(box, {
                subtree: true, childList: true, characterData: true,
                attributes: true, attributeFilter: ["aria-valuetext"],
            });
            all();
        };
        start();
        return () => { clearTimeout(waiting); observer?.disconnect(); status.remove(); };
    },
};
