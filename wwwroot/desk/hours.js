// Edits a timetable: a time zone, the times of each day of the week, and days with
// times of their own. Fields are named as the server names them.

import { el } from "./dom.js";
import { locale, t } from "./words.js";

export const days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

const dayName = new Intl.DateTimeFormat(locale, { weekday: "long", timeZone: "UTC" });
const nameOfDay = (i) => dayName.format(Date.UTC(2024, 0, 1 + i)); // that was a Monday

// usual is what an empty timetable begins with.
const usual = () => ({
  zone: Intl.DateTimeFormat().resolvedOptions().timeZone,
  week: Object.fromEntries(days.map((day, i) => [day, i < 5 ? "09:00-17:00" : ""])), holidays: [],
});

function field(name, label, value, more) {
  return el("label", { class: "field" }, el("span", null, label),
    el("input", { name, value, dir: "ltr", autocomplete: "off", spellcheck: "false", ...more }));
}

function holiday({ date, times }) {
  const remove = el("button", { class: "button", type: "button" }, t("Remove"));
  const row = el("li", { class: "holiday" },
    field("", t("Day"), date, { "data-part": "date", placeholder: "2026-12-24", size: 12 }),
    field("", t("Times"), times, { "data-part": "times", placeholder: t("closed") }), remove);
  remove.addEventListener("click", () => {
    const next = row.nextElementSibling ?? row.previousElementSibling;
    row.dispatchEvent(new Event("input", { bubbles: true }));
    const list = row.parentElement;
    row.remove();
    (next?.querySelector("input") ?? list.nextElementSibling).focus();
  });
  return row;
}

// timetable returns { node, read, rename } of an editor: read returns the timetable
// or null, rename tells it its name. The label says what there is without one.
export function timetable(label, value) {
  const own = el("input", { type: "checkbox" });
  own.checked = value !== null;
  const first = value ?? usual();
  const zone = field("", t("Time zone"), first.zone, { list: "zones" });
  const week = days.map((day, i) => field("", nameOfDay(i), first.week?.[day] ?? "", { placeholder: t("closed") }));
  const list = el("ul", { class: "holidays" }, ...(first.holidays ?? []).map(holiday));
  const add = el("button", { class: "button", type: "button" }, t("Add a day"));
  add.addEventListener("click", () => {
    list.append(holiday({ date: "", times: "" }));
    list.lastElementChild.querySelector("input").focus();
  });
  const parts = el("div", { class: "timetable" }, zone,
    el("fieldset", null, el("legend", null, t("Week")), el("p", { class: "muted" }, t("Times are written like 09:00-12:00, 13:00-17:30.")), el("div", { class: "week" }, ...week)),
    el("fieldset", null, el("legend", null, t("Holidays and special days")), el("p", { class: "muted" }, t("A day is 2026-12-24 or, for every year, 12-24. Without times it is closed.")), list, add));
  const show = () => { parts.hidden = !own.checked; };
  own.addEventListener("change", show);
  show();
  const input = (holder) => holder.querySelector("input");
  const part = (row, name) => row.querySelector(`[data-part="${name}"]`);
  return {
    node: el("div", null, el("label", { class: "check" }, own, " ", el("span", null, label)), parts),
    rename(name) {
      input(zone).name = `${name}.zone`;
      week.forEach((holder, i) => { input(holder).name = `${name}.week.${days[i]}`; });
      [...list.children].forEach((row, i) => {
        for (const each of ["date", "times"]) part(row, each).name = `${name}.holidays[${i}].${each}`;
      });
    },
    read: () => (own.checked ? {
      zone: input(zone).value.trim(),
      week: Object.fromEntries(week.map((holder, i) => [days[i], input(holder).value.trim()])),
      holidays: [...list.children].map((row) => ({ date: part(row, "date").value.trim(), times: part(row, "times").value.trim() })),
    } : null),
  };
}
