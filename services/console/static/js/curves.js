"use strict";
// Draws the panels that the console gives as JSON: one chart a factor, marks under the curve, findings shaded.

const INK = "#1b2629", QUIET = "#56646a", CURVE = "#0f6e78", MEASURED = "#a9b8bd", LIMIT = "#b3261e";
const FLAG_COLOURS = { F: "#7b8a91", M: "#6a5acd", S: "#a3478b", D: "#c7362b", C: "#3572c6", T: "#8c1d18", B: "#b77400" };
const BEIJING = { timeZone: "Asia/Shanghai", hourCycle: "h23" };
const clock = new Intl.DateTimeFormat("zh-CN", { ...BEIJING, hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat("zh-CN", { ...BEIJING, month: "2-digit", day: "2-digit" });
const whole = new Intl.DateTimeFormat("zh-CN", { ...BEIJING, month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit" });
const FLAG_ROW = "flags";

function axisLabel(span) {
  const days = (span.to - span.from) / 86400000;
  if (days <= 1.5) return (ms) => clock.format(ms);
  return (ms) => (days <= 4 ? `${day.format(ms)} ${clock.format(ms)}` : day.format(ms));
}

function spanOf(panel, given) {
  if (given) return given;
  const times = panel.points.map((point) => point[0]);
  return { from: Math.min(...times), to: Math.max(...times) };
}

function tooltip(panel, words) {
  return {
    trigger: "axis", renderMode: "richText", confine: true, textStyle: { fontSize: 12, color: INK },
    axisPointer: { type: "line", lineStyle: { color: "#9fb4b8" } },
    formatter: (items) => {
      const seen = items.filter((item) => item.value[1] !== null && item.seriesName);
      if (!seen.length) return "";
      const lines = seen.map((item) => item.seriesId === FLAG_ROW
        ? `${item.value[2]} ${words.flag[item.value[2]] || ""}`
        : `${item.seriesName} ${item.value[1]} ${panel.unit}`);
      const ms = seen[0].value[0];
      const inside = panel.spans.filter((span) => ms >= span.from && ms < span.to).map((span) => `▲ ${span.label}`);
      return [whole.format(ms), ...new Set([...lines, ...inside])].join("\n");
    },
  };
}

function limitLines(panel, words) {
  const lines = [];
  const usual = panel.limit && panel.limit.averaging === "daily" ? words.limit_daily : words.limit;
  const name = (panel.limit && panel.limit.label) || usual;
  for (const side of ["upper", "lower"]) {
    const value = panel.limit && panel.limit[side];
    if (value !== null && value !== undefined) lines.push({ yAxis: value, label: { formatter: `${name} ${value}` } });
  }
  return { silent: true, symbol: "none", data: lines, lineStyle: { color: LIMIT, width: 1.4, type: "dashed" },
    label: { position: "insideStartTop", color: LIMIT, fontSize: 11 } };
}

function toneOf(span) {
  return span.tone === "red" ? { itemStyle: { color: "rgba(199,54,43,.32)" }, label: { color: "#8c1d18" } } : {};
}

// Names of several or narrow spans would lie on each other or be cut: the tooltip tells them then.
function findingSpans(panel, given) {
  const [first] = panel.spans, range = spanOf(panel, given);
  const named = panel.spans.length === 1 && first.to - first.from > 0.15 * (range.to - range.from);
  return { silent: true, itemStyle: { color: "rgba(217,122,31,.17)" }, label: { color: "#8a4200", fontSize: 11, position: "insideBottom" },
    data: panel.spans.map((span) => [{ name: named ? span.label : "", xAxis: span.from, ...toneOf(span) }, { xAxis: span.to }]) };
}

// The scale shows the limit too, unless that would press the curve flat.
function heights(panel) {
  const values = panel.points.concat(panel.measured).map((point) => point[1]).filter((value) => value !== null);
  for (const [, low, high] of panel.band) values.push(low, high);
  const known = values.filter((value) => value !== null);
  if (!known.length) return {};
  const top = Math.max(...known), upper = panel.limit && panel.limit.upper;
  const max = upper && upper > top ? upper * 1.08 : undefined;
  return panel.from_zero ? { max, min: 0 } : { max };
}

function bandSeries(panel, words) {
  if (!panel.band.length) return [];
  const low = panel.band.map(([ms, a]) => [ms, a]);
  const width = panel.band.map(([ms, a, b]) => [ms, a === null || b === null ? null : b - a]);
  const plain = { type: "line", stack: "band", symbol: "none", silent: true, lineStyle: { opacity: 0 }, z: 1 };
  return [{ ...plain, data: low, name: "" }, { ...plain, data: width, name: "", areaStyle: { color: "rgba(43,138,87,.14)" }, emphasis: { disabled: true } }];
}

function option(panel, span, words) {
  const flags = panel.flags.filter(([ms]) => ms >= span.from && ms <= span.to);
  const dense = panel.points.length > 240;
  const series = [
    ...bandSeries(panel, words),
    { id: "curve", name: panel.converted ? words.converted : panel.name, type: "line", data: panel.points, symbol: dense ? "none" : "circle", symbolSize: 3,
      showSymbol: !dense, lineStyle: { width: 1.6, color: CURVE }, itemStyle: { color: CURVE }, z: 3, markLine: limitLines(panel, words), markArea: findingSpans(panel, span) },
    { id: FLAG_ROW, name: words.flag.title, type: "scatter", xAxisIndex: 1, yAxisIndex: 1, symbol: "rect", symbolSize: [dense ? 3 : 5, 9],
      data: flags.map(([ms, flag]) => ({ value: [ms, 0, flag], itemStyle: { color: FLAG_COLOURS[flag] || QUIET } })) },
  ];
  if (panel.measured.length) series.push({ id: "measured", name: panel.measured_name || words.measured, type: "line", data: panel.measured, symbol: "none", lineStyle: { width: 1, color: MEASURED }, itemStyle: { color: MEASURED }, z: 2 });
  const time = { type: "time", min: span.from, max: span.to };
  return {
    animation: false, aria: { enabled: true },
    grid: [{ left: 52, right: 14, top: 12, bottom: 38 }, { left: 52, right: 14, height: 12, bottom: 5 }],
    xAxis: [{ ...time, axisLabel: { formatter: axisLabel(span), color: QUIET, fontSize: 11, hideOverlap: true }, axisLine: { lineStyle: { color: "#b9c4c8" } }, splitLine: { show: false } },
      { ...time, gridIndex: 1, show: false }],
    yAxis: [{ type: "value", scale: true, splitNumber: 3, axisLabel: { color: QUIET, fontSize: 11, showMaxLabel: !heights(panel).max }, splitLine: { lineStyle: { color: "#e9edef" } }, ...heights(panel) },
      { type: "value", gridIndex: 1, show: false, min: -1, max: 1 }],
    axisPointer: { link: [{ xAxisIndex: [0, 1] }] },
    tooltip: tooltip(panel, words), series,
  };
}

function panelElement(panel, tall) {
  const element = document.createElement("div");
  element.className = "panel";
  element.dataset.code = panel.code;
  const title = document.createElement("h3"), unit = document.createElement("small"), box = document.createElement("div");
  title.textContent = panel.name;
  unit.textContent = panel.unit;
  title.append(unit);
  box.className = tall ? "chart tall" : "chart";
  box.setAttribute("role", "img");
  element.append(title, box);
  return element;
}

function describe(panel, words) {
  const values = panel.points.map((point) => point[1]).filter((value) => value !== null);
  if (!values.length) return `${panel.name}: ${words.none}`;
  const limit = panel.limit && panel.limit.upper ? `, ${words.limit} ${panel.limit.upper}` : "";
  return `${panel.name}: ${Math.min(...values)} – ${Math.max(...values)} ${panel.unit}${limit}`;
}

function show(root, body, words) {
  const tall = root.dataset.curves.includes("/picture");
  if (!body.panels.some((panel) => panel.points.length)) { message(root, words.none); return; }
  const wanted = body.panels.map((panel) => panel.code).join();
  if (root.dataset.codes !== wanted) {
    for (const box of root.querySelectorAll(".chart")) echarts.getInstanceByDom(box)?.dispose();
    root.replaceChildren(...body.panels.map((panel) => panelElement(panel, tall)));
    root.dataset.codes = wanted;
  }
  const group = root.dataset.curves;
  body.panels.forEach((panel, index) => {
    if (!panel.points.length) return;
    const box = root.children[index].querySelector(".chart");
    const chart = echarts.getInstanceByDom(box) || echarts.init(box, null, { renderer: "svg" });
    chart.group = group;
    chart.setOption(option(panel, spanOf(panel, body.span), words), { notMerge: true });
    box.setAttribute("aria-label", describe(panel, words));
  });
  echarts.connect(group);
}

function message(root, text) {
  for (const box of root.querySelectorAll(".chart")) echarts.getInstanceByDom(box)?.dispose();
  const line = document.createElement("p");
  line.className = "none";
  line.textContent = text;
  root.replaceChildren(line);
  delete root.dataset.codes;
}

async function refresh(root, words) {
  try {
    const answer = await fetch(root.dataset.curves, { headers: { accept: "application/json" } });
    if (answer.status === 401) { location.reload(); return; }
    if (!answer.ok) throw new Error(String(answer.status));
    show(root, await answer.json(), words);
  } catch {
    if (!root.dataset.codes) message(root, words.failed);
  }
}

function start(root) {
  const words = JSON.parse(root.dataset.words);
  const seconds = Number(root.dataset.refresh || 0);
  refresh(root, words);
  if (seconds) setInterval(() => { if (!document.hidden) refresh(root, words); }, seconds * 1000);
}

// A long case has many pictures: each is drawn when it comes into view, all of them for paper.
const waiting = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (!entry.isIntersecting) continue;
    waiting.unobserve(entry.target);
    start(entry.target);
  }
}, { rootMargin: "300px" });
for (const root of document.querySelectorAll("[data-curves]")) waiting.observe(root);

window.addEventListener("resize", () => {
  for (const box of document.querySelectorAll(".chart")) echarts.getInstanceByDom(box)?.resize();
});
