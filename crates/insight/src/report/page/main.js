// The page's parts put together: the toolbar, and a chart of each kind for each run.

const makers = {
  overlay: (host) => overlayChart(host),
  price: priceChart,
  ladder: ladderChart,
  book: bookChart,
  moment: momentChart,
  waterfall: flowChart,
  tree: treeChart,
  branching: branchingChart,
  recursion: recursionChart,
  reach: reachChart,
  generations: generationsChart,
  fund: fundChart,
  interest: interestChart,
};

function generationsChart(host, run) {
  const parts = figure(host, `Liquidations by generation, ${run.label}. Arrow keys point.`, 200);
  const { generations } = run;
  let picked = null;
  let area = null;
  const plot = {
    draw() {
      const made = surface(parts);
      const { context } = made;
      area = made.area;
      if (!generations.length) return nothing(context, area, "No liquidations");
      const y = valueAxis(context, area, 0, Math.max(...generations) * 1.08, "liquidations");
      const wide = (area.right - area.left) / generations.length;
      const every = Math.ceil(26 / wide);
      generations.forEach((count, n) => {
        const left = area.left + n * wide;
        context.fillStyle = n === picked ? palette().ink : palette().forced;
        const bar = Math.min(wide * 0.8, 48);
        context.fillRect(left + (wide - bar) / 2, y(count), bar, area.bottom - y(count));
        if (n % every) return;
        context.fillStyle = palette().muted;
        context.textAlign = "center";
        context.textBaseline = "top";
        context.fillText(n + 1, left + wide / 2, area.bottom + 6);
      });
      context.textAlign = "right";
      context.fillStyle = palette().muted;
      context.fillText("generation", area.right, area.bottom + 18);
      parts.text.textContent = picked === null ? "" : tell(picked);
    },
  };
  const tell = (n) => {
    const ratio = n ? `, ${fixed(generations[n] / generations[n - 1], 2)} per liquidation of the one before` : "";
    return `Generation ${n + 1}: ${fixed(generations[n])} liquidations${ratio}`;
  };
  const pick = (n) => {
    picked = generations.length ? Math.min(Math.max(n, 0), generations.length - 1) : null;
    plot.draw();
  };
  parts.canvas.addEventListener("pointermove", (event) => {
    const place = event.clientX - parts.canvas.getBoundingClientRect().left - area.left;
    pick(Math.floor((place / (area.right - area.left)) * generations.length));
  });
  parts.canvas.addEventListener("keydown", (event) => {
    const towards = event.key === "ArrowLeft" ? -1 : event.key === "ArrowRight" ? 1 : 0;
    if (!towards) return;
    pick((picked ?? -1) + towards);
    event.preventDefault();
  });
  plots.push(plot);
}

/** All cascades, with some room before and after. */
function cascadeRange() {
  const cascades = runs.map((run) => run.cascade).filter(Boolean);
  if (!cascades.length) return null;
  const from = Math.min(...cascades.map((range) => range[0]));
  const to = Math.max(...cascades.map((range) => range[1]));
  const room = Math.max((to - from) * 0.08, 1e6);
  return [from - room, to + room];
}

function toolbar() {
  const tools = document.getElementById("tools");
  const button = (name, title, act) => tools.append(element("button", { type: "button", title, "aria-label": title, onclick: act }, name));
  button("All", "Show the whole run", () => show(whole.from, whole.to));
  const cascade = cascadeRange();
  if (cascade) button("Cascade", "Show the time of the liquidations", () => show(...cascade));
  button("+", "Zoom in", () => zoom(0.5));
  button("\u2212", "Zoom out", () => zoom(2));
  button("\u25c0", "Earlier", () => pan(-0.4));
  button("\u25b6", "Later", () => pan(0.4));
  const names = runs[0].instruments.map((instrument) => instrument.name);
  if (names.length > 1) {
    const choose = element("select", { "aria-label": "Instrument" }, ...names.map((name, n) => element("option", { value: n }, name)));
    choose.addEventListener("change", () => {
      view.instrument = Number(choose.value);
      redraw();
    });
    tools.append(choose);
  }
  const schemes = ["auto", "light", "dark"];
  const scheme = element("button", { type: "button", class: "scheme", title: "Colours: as the system, light, dark" }, "auto");
  scheme.addEventListener("click", () => {
    const next = schemes[(schemes.indexOf(scheme.textContent) + 1) % schemes.length];
    scheme.textContent = next;
    if (next === "auto") delete document.documentElement.dataset.scheme;
    else document.documentElement.dataset.scheme = next;
    recolour();
  });
  tools.append(scheme);
}

function recolour() {
  colours = null;
  redraw();
}

function begin() {
  toolbar();
  for (const host of document.querySelectorAll("[data-chart]")) {
    const make = makers[host.dataset.chart];
    const shown = host.dataset.chart === "overlay" ? runs.slice(0, 1) : runs;
    for (const run of shown) {
      const own = element("div", { class: "chart" });
      if (runs.length > 1 && host.dataset.chart !== "overlay") own.append(element("h3", {}, run.label));
      host.append(own);
      make(own, run);
    }
  }
  window.addEventListener("resize", redraw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolour);
  for (const plot of plots) plot.draw();
  document.documentElement.dataset.drawn = plots.length;
}

begin();
