// The waterfall as a flow: what is lost runs down from one who bears it to the next.

function flowChart(host, run) {
  const touched = run.currencies.filter(({ waterfall }) => Object.values(waterfall).some((n) => typeof n === "number" && n !== 0));
  for (const currency of touched.length ? touched : run.currencies.slice(0, 1)) {
    const figure = element("figure", { class: "flow" });
    host.append(figure);
    const draw = () => figure.replaceChildren(...flow(figure.clientWidth || host.clientWidth || 320, currency, run));
    plots.push({ draw });
  }
}

/** The stages of a loss, in order, with what each of them bears. */
function stages(waterfall) {
  const { borne, drawn, conceded, overshoot, socialised, uncovered } = waterfall;
  return [
    ["Own margin", Math.max(borne, 0), "first"],
    ["Insurance fund", drawn, "fund"],
    ["ADL", conceded - overshoot, "halt"],
    ["Socialised", socialised, "third"],
    ["Uncovered", uncovered, "forced"],
  ];
}

/** What liquidated pools had, and what became of it. */
function had({ entered, received, kept, borne, unified }, print, name) {
  const began = `Liquidated pools had ${print(entered)} of their own when they fell.`;
  const became =
    borne < 0
      ? `At the end ${print(kept)} were with their owners and ${print(received)} with the fund: prices had come back meanwhile.`
      : `They lost ${print(borne)} of it in liquidation, ${print(received)} went to the fund, and ${print(kept)} stayed with their owners.`;
  const whole = ` Accounts whose currencies answer for one another are in it with all that they hold, at full value in ${name}, without the haircuts by which they are judged.`;
  return `${began} ${became}${unified ? whole : ""}`;
}

/** What deleveraging took beyond the deficits, from whom, and who received it. */
function beyond({ conceded, overshoot, bearers, most, to_trader, to_fund, to_vault }, print) {
  if (overshoot <= 0) return [];
  const parts = [[to_fund, "the fund"], [to_vault, "the vault"], [to_trader, "the liquidated"]];
  const went = parts.filter(([amount]) => amount > 0).map(([amount, whom]) => `${whom} ${print(amount)}`);
  const who = bearers > 1 ? `${fixed(bearers)} accounts bore that; ${most[0]} most of it, ${print(most[1])}.` : `${most[0]} bore that.`;
  return [
    `ADL overshoot: those deleveraged gave up ${print(conceded)} against the mark, ${print(overshoot)} more than deficits asked for. ${who} Received by ${went.join(", ")}.`,
  ];
}

function flow(width, { name, unit, waterfall }, run) {
  const print = (amount) => `${brief(amount * unit)} ${name}`;
  const parts = stages(waterfall);
  const total = parts.reduce((sum, [, amount]) => sum + amount, 0);
  const liquidations = run.generations.reduce((sum, n) => sum + n, 0);
  if (!liquidations) return [element("p", { class: "empty" }, "No liquidations, so no losses in liquidation.")];
  const before = element("p", {}, had(waterfall, print, name));
  const after = beyond(waterfall, print).map((text) => element("p", {}, text));
  if (total <= 0) return [before, element("p", { class: "empty" }, "Nothing was lost in liquidation."), ...after];
  const label = width < 560 ? 0 : 250;
  const left = label + 2;
  const across = width - left - 8;
  const [tall, gap, line] = [26, 22, label ? 0 : 20];
  const pitch = tall + gap + line;
  const svg = drawn("svg", {
    width,
    height: pitch * parts.length + 8,
    viewBox: `0 0 ${width} ${pitch * parts.length + 8}`,
    role: "img",
    "aria-label": `Losses of ${print(total)}: ` + parts.map(([stage, amount]) => `${stage} ${print(amount)}`).join(", "),
  });
  let done = 0;
  parts.forEach(([stage, amount, colour], place) => {
    const top = place * pitch + line;
    const from = left + (done / total) * across;
    const size = (amount / total) * across;
    const rest = left + across - from - size;
    if (amount > 0) {
      svg.append(drawn("rect", { x: from, y: top, width: Math.max(size, 1.5), height: tall, rx: 2, fill: `var(--${colour})` }));
    }
    // What goes on falls to the next stage: on its whole width, or along the edge where a line of words is in between.
    const goesOn = rest > 0.5 && place + 1 < parts.length;
    if (rest > 0.5) {
      svg.append(drawn("rect", { x: from + size, y: top, width: rest, height: goesOn && !line ? pitch : tall, fill: "var(--rest)" }));
    }
    if (goesOn && line) {
      const pipe = Math.min(rest, 10);
      svg.append(drawn("rect", { x: left + across - pipe, y: top + tall, width: pipe, height: pitch - tall, fill: "var(--rest)" }));
    }
    const share = ((amount / total) * 100).toFixed(amount && amount / total < 0.01 ? 2 : 0);
    const words = amount ? `${print(amount)} (${share}%)` : "nothing";
    svg.append(drawn("text", { x: 0, y: label ? top + tall / 2 : top - 6, class: label ? "mid" : "" }, `${stage}: ${words}`));
    done += amount;
  });
  return [before, svg, ...after];
}
