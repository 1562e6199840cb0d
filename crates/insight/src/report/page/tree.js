// A cascade as a tree: time to the right, siblings below one another.

function treeChart(host, run) {
  const figure = element("figure", { class: "tree" });
  const words = element("figcaption", { "aria-live": "polite" });
  const choice = element("div", { class: "choice", role: "group", "aria-label": `Cascades of ${run.label}` });
  const stage = element("div", { class: "stage" });
  figure.append(choice, stage, words);
  host.append(figure);
  const branching = run.trees.filter((tree) => tree.size > 1);
  if (!branching.length) {
    const single = run.generations.length
      ? "No liquidation triggered another one: every cascade has one member."
      : "No liquidations.";
    stage.append(element("p", { class: "empty" }, single));
    return;
  }
  let tree = branching[0];
  let picked = 0;
  const draw = () => {
    const width = stage.clientWidth || 320;
    stage.replaceChildren(treeDrawing(run, tree, width, picked, pick));
    words.textContent = tellNode(run, tree, picked);
  };
  const pick = (place) => {
    picked = Math.min(Math.max(place, 0), tree.nodes.length - 1);
    const focused = stage.contains(document.activeElement);
    draw();
    if (focused) stage.firstElementChild.focus();
  };
  for (const other of branching) {
    const button = element("button", { type: "button", "aria-pressed": String(other === tree) }, `No. ${other.root}: ${fixed(other.size)} liquidations`);
    button.addEventListener("click", () => {
      tree = other;
      picked = 0;
      for (const each of choice.children) each.setAttribute("aria-pressed", String(each === button));
      draw();
    });
    choice.append(button);
  }
  plots.push({ draw });
}

/** Where nodes stand: a leaf on a line of its own, a parent in the middle of its children. */
function layOut(tree) {
  const places = new Map(tree.nodes.map((node, place) => [node.id, place]));
  const children = tree.nodes.map(() => []);
  tree.nodes.forEach((node, place) => {
    if (place > 0) children[places.get(node.parent)].push(place);
  });
  const heights = tree.nodes.map(() => 0);
  let lines = 0;
  // Without recursion: a chain may be longer than a stack is deep.
  const open = [[0, 0]];
  while (open.length) {
    const top = open[open.length - 1];
    const [place, next] = top;
    if (next < children[place].length) {
      top[1]++;
      open.push([children[place][next], 0]);
      continue;
    }
    const below = children[place].map((child) => heights[child]);
    heights[place] = below.length ? (Math.min(...below) + Math.max(...below)) / 2 : lines++;
    open.pop();
  }
  return { places, heights, lines };
}

function treeDrawing(run, tree, width, picked, pick) {
  const { places, heights, lines } = layOut(tree);
  const height = Math.min(Math.max(lines * 15, 90), 560);
  const times = tree.nodes.map((node) => node.time);
  const [from, to] = [Math.min(...times), Math.max(...times)];
  const area = { left: 14, right: width - 46, top: 14, bottom: height + 14 };
  const x = (time) => area.left + (to > from ? (time - from) / (to - from) : 0) * (area.right - area.left);
  const y = (at) => area.top + (lines > 1 ? at / (lines - 1) : 0.5) * (area.bottom - area.top);
  const largest = Math.max(...tree.nodes.map((node) => node.lots), 1);
  const radius = (node) => 2.5 + 8 * Math.sqrt(node.lots / largest);
  const svg = drawn("svg", {
    width,
    height: height + 62,
    viewBox: `0 0 ${width} ${height + 62}`,
    tabindex: 0,
    role: "img",
    "aria-label": `Cascade of liquidation ${tree.root}, ${tree.size} liquidations. Arrow keys go from one to the next.`,
  });
  const scale = ticks(from / 1e9, to / 1e9, Math.max(2, width / 110));
  for (const seconds of scale.at) {
    const at = x(seconds * 1e9);
    if (at < area.left || at > area.right) continue;
    svg.append(drawn("line", { x1: at, x2: at, y1: area.top - 8, y2: area.bottom + 12, class: "rule" }));
    const anchor = at < area.left + 20 ? "start" : "middle";
    const label = fixed(seconds, scale.digits) + THIN + "s";
    svg.append(drawn("text", { x: at, y: area.bottom + 26, class: "tick", "text-anchor": anchor }, label));
  }
  tree.nodes.forEach((node, place) => {
    if (place === 0) return;
    const parent = places.get(node.parent);
    const [x0, y0, x1, y1] = [x(tree.nodes[parent].time), y(heights[parent]), x(node.time), y(heights[place])];
    const middle = (x0 + x1) / 2;
    svg.append(drawn("path", { d: `M${x0},${y0}C${middle},${y0} ${middle},${y1} ${x1},${y1}`, class: "edge" }));
  });
  tree.nodes.forEach((node, place) => {
    const [cx, cy] = [x(node.time), y(heights[place])];
    const dot = drawn("circle", { cx, cy, r: radius(node), class: place === picked ? "node picked" : "node" });
    dot.addEventListener("pointerenter", () => place === picked || pick(place));
    svg.append(dot);
    if (node.hidden) svg.append(drawn("text", { x: cx + radius(node) + 3, y: cy, class: "mid small" }, `+${node.hidden}`));
  });
  svg.append(drawn("text", { x: area.left, y: height + 58, class: "note" }, shownOf(tree)));
  svg.addEventListener("keydown", (event) => {
    const parent = places.get(tree.nodes[picked].parent);
    if (event.key === "ArrowRight" || event.key === "ArrowDown") pick(picked + 1);
    else if (event.key === "ArrowUp") pick(picked - 1);
    else if (event.key === "ArrowLeft") pick(parent ?? 0);
    else return;
    event.preventDefault();
  });
  return svg;
}

function shownOf(tree) {
  const shown = tree.nodes.length;
  return shown === tree.size ? "" : `${fixed(shown)} of ${fixed(tree.size)} shown; +n: so many more below`;
}

function tellNode(run, tree, place) {
  const node = tree.nodes[place];
  const instrument = run.instruments[node.instrument ?? -1];
  const unit = instrument ? run.currencies[instrument.currency] : null;
  const parts = [`No. ${node.id} at ${moment(node.time, 1e10)}, account a${node.account}`];
  if (instrument) parts.push(`closed ${instrument.printLots(node.lots)} ${instrument.name}`);
  if (unit) parts.push(`slippage ${brief(node.slippage * unit.unit)} ${unit.name}`);
  parts.push(place === 0 ? "the root" : `triggered by no. ${node.parent}`);
  parts.push(node.subtree > 1 ? `${fixed(node.subtree - 1)} came of it` : "nothing came of it");
  return parts.join(", ");
}
