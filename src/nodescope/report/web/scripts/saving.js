// Saving figures and their data, and printing the page; both in the light theme.

// A file is read without the page around it: it says what it shows.
const titled = (figure, spec, view) => (spec.title ? spec : {
  ...spec, title: { text: figure.title, subtitle: subtitle(figure, view), anchor: "start", fontSize: 14, fontWeight: "bold", subtitleFontSize: 12, subtitlePadding: 4, offset: 16 },
});

const saveMenu = (figure, result, holder, panel) => {
  const name = `${figure.study.name}-${figure.name}`;
  const buttons = [];
  const add = (kind, run) => buttons.push(element("button", { type: "button", "data-kind": kind, onclick: run }, kind));
  if (result.views?.length) {
    const each = (run) => async () => {
      const redrawn = isDark();
      paper = true;
      try {
        if (redrawn) await draw(holder);
        for (const { name: own, spec } of drawn.get(figure).views) {
          const said = titled(figure, spec, drawn.get(figure).view ?? {});
          const { view } = await embed(element("div"), figure, { ...said, background: "white" });
          await run({ view, spec: said }, `${figure.study.name}-${own}`);
          view.finalize();
        }
      } finally {
        paper = false;
        if (redrawn) await draw(holder);
      }
    };
    add("SVG", each(async ({ view }, file) => files.save(`${file}.svg`, await view.toSVG(), "image/svg+xml")));
    add("PNG", each(async ({ view }, file) => {
      const response = await view.toCanvas(2);
      files.save(`${file}.png`, await new Promise((resolve) => { response.toBlob(resolve, "image/png"); }));
    }));
    add("Vega-Lite JSON", each(async ({ spec }, file) => files.save(`${file}.vl.json`, JSON.stringify(spec), "application/json")));
  }
  if (typeof result.rows === "function" || result.rows?.length) {
    const rows = () => (typeof result.rows === "function" ? result.rows() : result.rows);
    add("CSV", () => files.save(`${name}.csv`, files.csv(rows()), "text/csv"));
    add("Parquet", () => files.save(`${name}.parquet`, files.parquet(rows())));
  }
  panel.replaceChildren(...(buttons.length ? buttons : [document.createTextNode("Nothing to save.")]));
};

const printAll = async () => {
  const redrawn = isDark();
  const shut = [...document.querySelectorAll("details.method:not([open])")];
  paper = true;
  setTheme();
  for (const details of shut) details.open = true;
  for (const holder of holders) if (!holder.closest("[hidden]") && (redrawn || !holder.dataset.drawn || holder.classList.contains("stale"))) await draw(holder);
  print();
  paper = false;
  for (const details of shut) details.open = false;
  if (redrawn) update();
};
on("print", "click", printAll);
addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "p") { event.preventDefault(); printAll(); }
});
