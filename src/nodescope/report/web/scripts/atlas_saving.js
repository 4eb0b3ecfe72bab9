// The atlas as a figure of its own: the rows that it shows, and a Vega-Lite chart of them, made when it is saved.

const rowsOfAtlas = (nets, order, value) => nets.filter((net) => net.shares && net.drawn).flatMap((net) => net.cube.layers.flatMap((layer) => {
  const { size, values } = net.drawn.get(layer), { study } = net.c;
  return orderOf(net, layer, order).flatMap((node, place) => net.shown.map((c) => ({
    network: pinLabel(net.c), configuration: net.c.name, ...net.view, seed: Number(net.view.seed), layer, node, place, ...(study.has_classes && { class: c, class_name: study.classes[c] }),
    dead: net.never.get(layer)[node], [value === "share" ? "active_share" : value]: Number.isNaN(values[c * size + node]) ? null : Number(values[c * size + node].toPrecision(7)),
  })));
}));

const specificationOfAtlas = (figure, nets, order, value, { domain, scale }) => {
  const rows = rowsOfAtlas(nets, order, value).map((row) => ({ ...row, class_name: row.class_name ?? "all", block: `${row.network}, ${layerText(figure.study.byName.get(row.configuration), row.layer)}` }));
  const column = value === "share" ? "active_share" : value, blocks = [...new Set(rows.map((row) => row.block))], { classes, has_classes } = figure.study;
  const position = { field: "place", type: "ordinal", axis: null }, row = { field: "class_name", type: "nominal", sort: has_classes ? classes : null, title: has_classes ? "class" : null, ...(!has_classes && { axis: null }) };
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json", title: { text: figure.title, subtitle: `${VALUES[value]}, nodes by ${ORDERS[order]}`, anchor: "start" }, datasets: { nodes: rows },
    vconcat: blocks.map((block) => ({
      title: { text: block, fontSize: 12, fontWeight: "normal", anchor: "start" }, data: { name: "nodes" }, transform: [{ filter: { field: "block", equal: block } }], width: 860, height: Math.max(24, 12 * (has_classes ? classes.length : 1)),
      layer: [
        { mark: { type: "rect" }, encoding: { x: position, y: row, color: { field: column, type: "quantitative", title: VALUES[value], scale: { domain, range: [0, 0.25, 0.5, 0.75, 1].map((at) => shade(scale, at)) } } } },
        { transform: [{ filter: "datum.dead" }], mark: { type: "rect" }, encoding: { x: position, y: row, color: { value: shadesOf().hatch[0] } } },
      ],
    })),
  };
};

// What the Save menu asks of a drawn figure; the chart is made when it is saved.
const atlasView = (figure, nets, order, value, scale) => ({ name: figure.name, get spec() { return specificationOfAtlas(figure, nets, order, value, scale); } });
