// What is wrong with the notebook in the page, as sentences; for test_browser.py.
// JupyterLab chooses the colours of code itself, so code is not asked for its contrast.
readable => {
    const found = [], notebook = document.querySelector(".jp-Notebook");
    const cells = [...notebook.querySelectorAll(".jp-Cell")];
    const all = selector => [...notebook.querySelectorAll(selector)].filter(element => element.checkVisibility());
    const complain = (element, sentence) => {
        const words = (element.innerText || element.alt || "").trim().slice(0, 50);
        found.push(`Cell ${cells.indexOf(element.closest(".jp-Cell"))}, ${JSON.stringify(words)}: ${sentence}`);
    };

    // A formula's copy for screen readers is clipped to nothing, and yet would count as cut off.
    for (const copy of all("mjx-assistive-mml")) copy.style.setProperty("display", "none", "important");
    const boxes = ".jp-RenderedMarkdown, .jp-RenderedHTML, .jp-RenderedText pre, .widget-label, .widget-readout";
    for (const element of all(boxes)) {
        const over = element.scrollWidth - element.clientWidth;
        if (over > 1) complain(element, `${over} pixels are cut off on the right`);
    }
    for (const element of all(".jp-RenderedMarkdown")) {
        const words = element.cloneNode(true);
        words.querySelectorAll("code, mjx-container").forEach(part => part.remove());
        if (/\\[a-zA-Z]{2,}|\$/.test(words.textContent)) complain(element, "a formula is not typeset");
    }
    for (const element of all("mjx-merror, mjx-mtext[style*=red]")) complain(element, "a formula is wrong");
    for (const element of all("img")) {
        if (!element.naturalWidth) { complain(element, "the picture is not shown"); continue; }
        const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d");
        canvas.drawImage(element, 0, 0);
        const corner = canvas.getImageData(0, 0, 1, 1).data.join();
        if (corner !== "255,255,255,255") complain(element, "the ground is not white");
    }

    const channels = colour => colour.match(/[\d.]+/g).map(Number);
    const over = (below, [red, green, blue, alpha = 1]) =>
        [red, green, blue].map((v, i) => alpha * v + (1 - alpha) * below[i]);
    const ground = element => over(
        element.parentElement ? ground(element.parentElement) : [255, 255, 255],
        channels(getComputedStyle(element).backgroundColor));
    const light = colour => {
        const linear = v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
        const [red, green, blue] = colour.map(v => linear(v / 255));
        return 0.05 + 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    for (const element of all(".jp-RenderedMarkdown *, .jp-OutputArea-output *")) {
        const text = [...element.childNodes].some(node => node.nodeType === Node.TEXT_NODE && node.data.trim());
        if (!text && !element.matches("mjx-container")) continue;
        if (element.closest("pre code, mjx-assistive-mml, style")) continue;
        const below = ground(element), ink = over(below, channels(getComputedStyle(element).color));
        const contrast = Math.max(light(ink) / light(below), light(below) / light(ink));
        if (contrast < readable) complain(element, `the contrast is ${contrast.toFixed(1)}, less than ${readable}`);
    }
    return found;
}
