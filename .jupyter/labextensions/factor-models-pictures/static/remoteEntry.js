// An extension of JupyterLab, written by hand: no bundler, no package. JupyterLab shows a picture of an output without the
// words that are stored for those who do not see it; here they become the picture's alt. What a cell gives when it has run,
// such as the verdict on an exercise, is told. And in a dark theme, pictures, which have a white ground, are softened.
(() => {
    const NAME = "factor-models-pictures";
    const PICTURES = ".jp-OutputArea-output.jp-RenderedImage img";
    const DARK = `body[data-jp-theme-light="false"] :is(${PICTURES}, .jp-OutputArea-output .widget-html-content img)
        { filter: brightness(0.88); }`;

    const LOOKED_AT = "img, .jp-CodeCell";

    // The words for a picture: those of its output, made when it was drawn or written by the author; or else the
    // author's, in the cell's metadata.
    const words = (cell, number) => {
        const said = cell.model.outputs?.get(number)?.metadata?.["image/png"]?.alt;
        return said ?? cell.model.getMetadata?.("mystnb")?.image?.alt;
    };

    const describe = notebook => {
        for (const cell of notebook.widgets) {
            listen(cell);
            for (const [number, output] of (cell.outputArea?.widgets ?? []).entries()) {
                for (const picture of output.node.querySelectorAll(PICTURES)) {
                    const alt = words(cell, number);
                    if (alt && picture.alt !== alt) picture.alt = alt;
                }
            }
        }
    };

    // What a cell has just given, in words: the first of its result or of its error, or what its picture shows.
    const LONGEST = 600;
    const status = document.createElement("div");
    status.setAttribute("role", "status");
    status.style.cssText = "position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%)";

    const inWords = ({ output_type: type, data = {}, metadata = {}, ename, evalue }) => {
        if (type === "error") return `${ename}: ${evalue}`;
        const said = metadata["image/png"]?.alt ?? data["text/plain"] ?? "";
        return type === "execute_result" || metadata["image/png"]?.alt ? [said].flat().join("") : "";
    };

    const heard = new WeakSet();
    const listen = cell => {
        const outputs = cell.model.outputs;
        if (!outputs || heard.has(cell.model)) return;
        heard.add(cell.model);
        outputs.changed.connect((_, change) => {
            if (change.type !== "add" && change.type !== "set") return;
            const said = change.newValues.map(output => inWords(output.toJSON())).filter(Boolean).join(" ");
            if (said) status.textContent = said.slice(0, LONGEST);
        });
    };

    const activate = app => {
        const style = document.createElement("style");
        style.textContent = DARK;
        document.head.append(style);
        document.body.append(status);
        // Whatever brings a picture or a cell, a lesson that opens or a cell that runs, changes the page: then one look
        // at all open notebooks, before the page is painted.
        let waiting = false;
        const look = () => {
            waiting = false;
            for (const panel of app.shell.widgets("main")) {
                if (panel.content?.widgets && panel.context) describe(panel.content);
            }
        };
        const brings = ({ type, addedNodes }) => type === "attributes"
            || [...addedNodes].some(node => node.matches?.(LOOKED_AT) || node.querySelector?.(LOOKED_AT));
        new MutationObserver(changes => {
            if (waiting || !changes.some(brings)) return;
            waiting = true;
            queueMicrotask(look);
        }).observe(document.body, { subtree: true, childList: true, attributes: true, attributeFilter: ["src"] });
        app.restored?.then(look);
    };

    // What JupyterLab asks of a bundle: `init` with what others share, of which nothing is needed, and `get` of a module.
    const plugin = { id: `${NAME}:plugin`, autoStart: true, activate };
    window._JUPYTERLAB = window._JUPYTERLAB ?? {};
    window._JUPYTERLAB[NAME] = {
        init: async () => {},
        get: async () => () => ({ default: plugin, __esModule: true }),
    };
})();
