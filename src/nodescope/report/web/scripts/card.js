// The node card: what one node of a compared network does, beside the page or as a sheet from below.

const card = byId("card");
let cardOpener = null, looks = 0, shownCard = "";
const nodeName = (c) => (c.state ? `${c.name}@${c.state}` : c.name);

// What the card depends on.
const cardKey = () => JSON.stringify([chosen.node, chosen.state, chosen.split, chosen.seed, [...chosen.classesOff], chosen.choices["atlas.order"], document.documentElement.dataset.theme, innerWidth]);

const readCard = async (c, layer, node) => {
  const net = await readNet(c, true);
  if (!net?.shares) return { net: null };
  withValues(net, "share", atlasOf(c.study));
  const names = ["node_histograms", "top_samples", "ablation_classes", "mean_inputs", "weight_images"], shared = ["redundancy", "kin"];
  const failed = [], quietly = (promise) => promise.catch((error) => { failed.push(error.message); return null; });
  const found = await Promise.all([...names.map((name) => quietly(loadNodes(c, name, net.view.seed))), ...shared.map((name) => quietly(loadNodes(c, name)))]);
  const tables = Object.fromEntries([...names, ...shared].map((name, i) => [name, found[i]]));
  return { net, tables, failed, exists: node < (net.cube.sizes.get(layer) ?? 0) };
};

const contentOfCard = async ({ net, tables, failed }, layer, node) => {
  const { study } = net.c, { size, values } = net.shares.get(layer), key = `${layer}/${node}`;
  const dead = study.states.map(({ name }) => { const own = net.cube.at({ ...net.view, state: name })?.get(layer); return own ? neverOn(own)[node] : null; });
  const sentence = nodeSentence(study, [...study.classes.keys()].map((c) => values[c * size + node]), dead, deadWord(net.c, layer));
  const since = deadSince(net.fates.get(key)?.[0]), facts = nodeFacts(net, layer, node);
  if (since && since.text !== "always") facts.push(`It died in training: ${since.text}.`);
  const ablated = (tables.ablation_classes ? rowsOfNode(tables.ablation_classes, { state: net.view.state }, layer, node) : []), wanted = effectOf(net, key)?.kind ?? "mean";
  const images = [
    tables.mean_inputs && imagesPart(net, tables.mean_inputs, layer, node, "Mean input where it is on less where it is off", "blue below 0, red above"),
    tables.weight_images && imagesPart(net, tables.weight_images, layer, node, "Weights", "blue below 0, red above"),
  ].filter(Boolean);
  const parts = [
    element("p", { class: "card-view" }, viewWords({ study }, net.view)), element("p", { class: "sentence" }, sentence || "No data for this node: the network diverged, or was not measured."),
    ...(facts.length ? [element("p", { class: "facts" }, facts.join(" "))] : []),
    tables.top_samples && sentence ? await samplesPart(net, tables.top_samples, layer, node) : null,
    images.length ? part("What it looks for", element("div", { class: "images" }, ...images)) : null,
    sentence ? statesPart(net, layer, node) : null,
    sentence ? classesPart(net, layer, node, { histograms: tables.node_histograms, effects: ablated.filter((row) => row.kind === undefined || row.kind === wanted) }) : null,
    effectPart(net, layer, node), kinPart(net, layer, node, tables.redundancy, tables.kin), ...failed.map((text) => element("p", { class: "message" }, `${text}.`)),
  ];
  return parts.filter(Boolean);
};

const showCard = async () => {
  const turn = looks += 1, { node: place } = chosen;
  shownCard = cardKey();
  const opened = card.hidden && place;
  card.hidden = !place;
  document.documentElement.classList.toggle("with-card", Boolean(place));
  markChosen();
  if (!place) return;
  const c = configurationOf(`${place.study}/${place.configuration}`), { layer, node } = place, body = byId("card-body"), title = c ? `${pinLabel(c)}, ${placeText(c, layer, node)}` : place.configuration;
  const say = (text) => { byId("card-title").textContent = title; byId("card-place").textContent = ""; body.replaceChildren(element("p", { class: "message" }, text)); };
  try {
    if (!c || !atlasOf(c.study)) return void say("The activity of the nodes was not measured.");
    const read = await readCard(c, layer, node);
    if (turn !== looks) return; // another was opened while this one was loading
    if (read.net && !read.exists) { // a mistyped address
      chosen.node = null;
      writeAddress();
      return void showCard();
    }
    const content = read.net ? await contentOfCard(read, layer, node) : [element("p", { class: "message" }, "No data for this node: the network diverged, or was not measured.")];
    if (turn !== looks) return;
    byId("card-title").textContent = title;
    body.replaceChildren(...content);
    const order = read.net ? orderOf(read.net, layer, choiceOfAtlas("order", ordersOf(c.study))) : [], at = order.indexOf(node);
    byId("card-place").textContent = order.length ? `${at + 1} of ${order.length} by ${ORDERS[choiceOfAtlas("order", ordersOf(c.study))]}` : "";
    for (const [id, by] of [["card-previous", -1], ["card-next", 1]]) { byId(id).disabled = order[at + by] === undefined; byId(id).dataset.node = order[at + by] ?? ""; }
  } catch (error) { say(`This node could not be shown: ${error.message}.`); }
  card.dataset.node = title;
  if (opened) card.scrollTop = 0;
  if (!card.contains(document.activeElement)) byId("card-close").focus({ preventScroll: true });
};

// Another node is shown without drawing the page anew; only what stands beside the card when it opens has another width.
const openNode = (c, layer, node, from = document.activeElement) => {
  const wasOpen = Boolean(chosen.node);
  if (!wasOpen) cardOpener = from;
  chosen.node = { study: c.study.name, configuration: nodeName(c), layer, node };
  if (wasOpen) writeAddress();
  const shown = showCard();
  if (!wasOpen) shown.then(() => update());
};

const moveInCard = (id) => {
  const { disabled, dataset } = byId(id);
  if (disabled || dataset.node === "") return;
  chosen.node = { ...chosen.node, node: Number(dataset.node) };
  writeAddress();
  showCard();
};

const closeCard = () => {
  chosen.node = null;
  showCard();
  update();
  const back = cardOpener?.isConnected ? cardOpener : document.querySelector("section.study:not([hidden]) .atlas-map");
  back?.focus({ preventScroll: true });
  cardOpener = null;
};

on("card-previous", "click", () => moveInCard("card-previous"));
on("card-next", "click", () => moveInCard("card-next"));
on("card-close", "click", closeCard);
card.addEventListener("keydown", (event) => {
  const id = { ArrowLeft: "card-previous", ArrowRight: "card-next" }[event.key];
  if (!id || event.altKey || event.ctrlKey || event.metaKey || event.target.closest("input, select, [role=region]")) return;
  moveInCard(id);
  event.preventDefault();
});
// Before the menus hear of it: where one is open, Escape closes that alone.
addEventListener("keydown", (event) => {
  if (event.key === "Escape" && chosen.node && !document.querySelector("details.menu[open], dialog[open]")) closeCard();
}, { capture: true });
