// The day by its hours: how many conversations began and ended, as bars and as a
// table.

import { byId, el } from "./dom.js";
import { locale, t } from "./words.js";

const ns = "http://www.w3.org/2000/svg";
const height = 176;
const frame = { top: 8, bottom: 24, side: 32 }; // px around the bars

const hour = new Intl.DateTimeFormat(locale, { hour: "numeric" });
const clock = new Intl.DateTimeFormat(locale, { hour: "numeric", minute: "2-digit" });

// roof is the number at the chart's top: a round one that all bars stay below.
export function roof(most) {
  if (most <= 4) return 4;
  const unit = 10 ** Math.floor(Math.log10(most));
  return [1, 2, 4, 5, 10].map((n) => n * unit).find((n) => n >= most);
}

// layout returns the bars: two for each hour, from the start of a line of text.
export function layout(hours, width, rtl) {
  const top = roof(Math.max(0, ...hours.flatMap(({ opened, ended }) => [opened, ended])));
  const high = height - frame.top - frame.bottom;
  const step = (width - frame.side) / hours.length;
  const wide = Math.max(1, Math.min(14, step * 0.36));
  const bar = (i, place, kind, n) => {
    const x = frame.side + i * step + step / 2 + (place ? 0.5 : -wide - 0.5);
    const tall = (n / top) * high;
    return { kind, x: rtl ? width - x - wide : x, y: frame.top + high - tall, width: wide, height: tall };
  };
  const bars = hours.flatMap(({ opened, ended }, i) => [bar(i, 0, "opened", opened), bar(i, 1, "ended", ended)]);
  return { bars: bars.filter((b) => b.height > 0), top, high, step };
}

function node(tag, attributes, text) {
  const made = document.createElementNS(ns, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

// axes are the lines with their numbers, and the hours below.
function axes({ top, high, step }, hours, width, rtl) {
  const flip = (x) => (rtl ? width - x : x);
  const numbers = [0, top / 2, top].flatMap((n) => {
    const y = frame.top + high - (n / top) * high;
    return [node("line", { class: "grid", x1: flip(frame.side), x2: flip(width), y1: y, y2: y }),
      node("text", { x: flip(frame.side - 6), y: y + 4, "text-anchor": rtl ? "start" : "end" }, new Intl.NumberFormat(locale).format(n))];
  });
  const every = step < 12 ? 6 : step < 34 ? 3 : 2;
  const below = hours.flatMap(({ at }, i) => (i % every ? [] : [
    node("text", { x: flip(frame.side + i * step + step / 2), y: height - 6, "text-anchor": "middle" }, hour.format(new Date(at)))]));
  return [...numbers, ...below];
}

let last = null;

// drawChart draws the hours; it is drawn anew when its place grows or shrinks.
export function drawChart(hours) {
  last = hours;
  const box = byId("chart");
  const width = Math.max(240, box.clientWidth);
  const rtl = document.documentElement.dir === "rtl";
  const plan = layout(hours, width, rtl);
  const sum = (kind) => hours.reduce((n, h) => n + h[kind], 0);
  const svg = node("svg", {
    viewBox: `0 0 ${width} ${height}`, width, height, role: "img",
    "aria-label": t("Opened today: {opened}, ended: {ended}. The table below has the hours.", { opened: sum("opened"), ended: sum("ended") }),
  });
  svg.append(...axes(plan, hours, width, rtl), ...plan.bars.map(({ kind, ...at }) => node("rect", { class: kind, rx: 1, ...at })));
  box.replaceChildren(svg);
  byId("chart-rows").replaceChildren(...hours.map(({ at, opened, ended }) =>
    el("tr", null, el("th", { scope: "row" }, clock.format(new Date(at))), el("td", null, String(opened)), el("td", null, String(ended)))));
}

export function watchChart() {
  new ResizeObserver(() => { if (last) drawChart(last); }).observe(byId("chart"));
}
