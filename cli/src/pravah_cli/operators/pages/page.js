"use strict";
// Draws each snapshot of /events. Keeps two minutes of rates for the little lines.

const KEPT = 120;
const history = new Map();
const number = new Intl.NumberFormat("en-IN");
const find = (id) => document.getElementById(id);

function element(tag, text, className) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

function seconds(value) {
  if (value === null || value === undefined) return "–";
  if (value < 1) return `${Math.round(value * 1000)} ms`;
  if (value < 120) return `${value.toFixed(1)} s`;
  return `${Math.round(value / 60)} min`;
}

function line(name, rate) {
  const rates = history.get(name) ?? [];
  rates.push(rate);
  if (rates.length > KEPT) rates.shift();
  history.set(name, rates);
  const most = Math.max(1, ...rates);
  const points = rates.map((each, at) => `${KEPT - rates.length + at},${34 - (each / most) * 30}`);
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", `0 0 ${KEPT - 1} 36`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  const drawn = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
  drawn.setAttribute("points", points.join(" "));
  svg.append(drawn);
  return svg;
}

function stage({ name, meaning, total, per_second: rate }) {
  const item = element("li");
  item.title = meaning;
  const moving = rate > 0 ? "rate moving" : "rate";
  item.append(
    element("span", name, "name"),
    element("span", number.format(total), "total"),
    element("span", `${number.format(rate)} per second`, moving),
    line(name, rate),
  );
  return item;
}

function group(age, lag) {
  const row = element("tr");
  const waiting = lag === undefined ? "–" : number.format(lag);
  row.append(
    element("td", age.group),
    element("td", seconds(age.p50_seconds)),
    element("td", seconds(age.p99_seconds)),
    element("td", waiting),
  );
  return row;
}

function groups({ ages, lag }) {
  const known = new Map(ages.map((age) => [age.group, age]));
  for (const name of Object.keys(lag)) {
    if (!known.has(name)) known.set(name, { group: name, p50_seconds: null, p99_seconds: null });
  }
  const rows = [...known.values()].map((age) => group(age, lag[age.group]));
  if (rows.length > 0) return rows;
  const empty = element("td", "nothing handled yet");
  empty.colSpan = 4;
  return [empty];
}

function batch(shown) {
  const row = element("tr");
  row.append(
    element("td", shown.group),
    element("td", shown.records === null ? "–" : number.format(shown.records)),
    element("td", shown.events_per_document === null ? "–" : `${shown.events_per_document} : 1`),
    element("td", seconds(shown.handle_seconds)),
    element("td", seconds(shown.publish_seconds)),
  );
  return row;
}

function draw(shown) {
  find("state").textContent = `live · ${shown.at.slice(11, 19)} UTC`;
  find("state").className = "";
  find("funnel").replaceChildren(...shown.stages.map(stage));
  find("groups").replaceChildren(...groups(shown));
  find("batches").replaceChildren(...shown.batches.map(batch));
  find("outbox").textContent = seconds(shown.outbox_oldest_seconds);
  const dead = Object.values(shown.dead_letters).reduce((sum, each) => sum + each, 0);
  find("dead").textContent = number.format(dead);
  find("dead").className = dead > 0 ? "bad" : "good";
  find("reasons").replaceChildren(
    ...Object.entries(shown.dead_letters).map(([why, count]) => element("li", `${count} × ${why}`, "bad")),
  );
  find("processes").replaceChildren(
    ...Object.entries(shown.processes).map(([name, up]) => element("li", name, up ? "" : "down")),
  );
}

const events = new EventSource("/events");
events.onmessage = (message) => draw(JSON.parse(message.data));
events.onerror = () => {
  find("state").textContent = "connection lost, trying again";
  find("state").className = "lost";
};
