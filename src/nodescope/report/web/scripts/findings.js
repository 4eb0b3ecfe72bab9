// The small charts beside what was found, and the views that findings are about.

const findingOf = (key) => {
  const [study, name] = key.split("/");
  return { study: studies.get(study), ...studies.get(study).findings.find((finding) => finding.name === name) };
};

const drawFindings = async () => {
  for (const holder of document.querySelectorAll(".small-chart")) {
    const theme = document.documentElement.dataset.theme;
    if (holder.closest("[hidden]") || holder.dataset.drawn === theme) continue;
    holder.dataset.drawn = theme;
    const { study, chart, quantity } = findingOf(holder.dataset.finding);
    const inner = element("div");
    holder.replaceChildren(inner);
    try {
      const spec = { ...recolour(structuredClone(chart)), width: Math.min(360, holder.clientWidth) };
      eachView(spec, ({ encoding }) => { if (encoding?.y?.axis?.labelLimit) encoding.y.axis.labelLimit = 0.5 * spec.width; });
      await embed(inner, { study, kind: "chart", quantities: quantity ? { value: quantity } : {} }, spec, {});
    } catch { holder.replaceChildren(); } // the sentence says it without a picture
  }
};

for (const link of document.querySelectorAll("[data-view-of]")) {
  link.addEventListener("click", () => {
    const { view } = findingOf(link.dataset.viewOf);
    for (const name of FOLLOWED) if (view[name] !== undefined) chosen[name] = view[name];
  });
}
