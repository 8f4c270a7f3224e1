// An extension of JupyterLab, written by hand: no bundler, no package. JupyterLab shows a picture of an output without the
// words that are stored for those who do not see it; here they become the picture's alt. And in a dark theme, pictures,
// which have a white ground, are softened.
(() => {
    const NAME = "factor-models-pictures";
    const PICTURES = ".jp-OutputArea-output.jp-RenderedImage img";
    const DARK = `body[data-jp-theme-light="false"] :is(${PICTURES}, .jp-OutputArea-output .widget-html-content img)
        { filter: brightness(0.88); }`;

    // The words for a picture: those of its output, made when it was drawn or written by the author; or else the
    // author's, in the cell's metadata.
    const words = (cell, number) => {
        const said = cell.model.outputs?.get(number)?.metadata?.["image/png"]?.alt;
        return said ?? cell.model.getMetadata?.("mystnb")?.image?.alt;
    };

    const describe = notebook => {
        for (const cell of notebook.widgets) {
            for (const [number, output] of (cell.outputArea?.widgets ?? []).entries()) {
                for (const picture of output.node.querySelectorAll(PICTURES)) {
                    const alt = words(cell, number);
                    if (alt && picture.alt !== alt) picture.alt = alt;
                }
            }
        }
    };

    const activate = app => {
        const style = document.createElement("style");
        style.textContent = DARK;
        document.head.append(style);
        // Whatever brings a picture, a lesson that opens or a cell that runs, changes the page: then one look at all
        // open notebooks, before the page is painted.
        let waiting = false;
        const look = () => {
            waiting = false;
            for (const panel of app.shell.widgets("main")) {
                if (panel.content?.widgets && panel.context) describe(panel.content);
            }
        };
        const brings = ({ type, addedNodes }) => type === "attributes"
            || [...addedNodes].some(node => node.matches?.("img") || node.querySelector?.("img"));
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
