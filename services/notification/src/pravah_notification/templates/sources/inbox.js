"use strict";
// Everything that comes from outside is set by textContent or a checked URL, never as HTML.
const $ = (id) => document.getElementById(id);
const inbox = $("inbox");
const base = `/v1/learners/${encodeURIComponent(inbox.dataset.learner)}/inbox`;
const dates = new Intl.DateTimeFormat(document.documentElement.lang,
  { dateStyle: "medium", timeStyle: "short" });
const icons = { enrolled: "▶", certified: "★" };
const cards = new Map(); // by message id: a message that comes twice is shown once
let unread = 0;
let next = null;

function element(tag, className, text) {
  const made = document.createElement(tag);
  made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function show() {
  $("unread").hidden = $("read-all").hidden = unread === 0;
  $("unread").textContent = new Intl.NumberFormat(document.documentElement.lang).format(unread);
  $("empty").hidden = cards.size > 0;
  $("more").hidden = next === null;
}

function card(message) {
  const made = element("li", "message");
  made.append(element("span", "icon", icons[message.workflow] ?? "✉"),
    element("p", "title", message.title), element("p", "body", message.body));
  const foot = element("div", "foot");
  if (message.link && /^https?:\/\//.test(message.link)) {
    const link = element("a", "go", message.link_text);
    link.href = message.link;
    link.rel = "noopener";
    foot.append(link);
  }
  const time = element("time", "", dates.format(new Date(message.at)));
  time.dateTime = message.at;
  foot.append(time);
  made.append(foot);
  made.lang = message.language;
  if (!message.read_at) {
    made.classList.add("unread");
    made.tabIndex = 0;
    foot.append(element("span", "tag", inbox.dataset.new));
    made.addEventListener("click", () => read(message.message_id));
    made.addEventListener("keydown", (key) => key.key === "Enter" && read(message.message_id));
  }
  return made;
}

function settleRead(made) {
  if (!made.classList.contains("unread")) return;
  made.classList.remove("unread");
  made.removeAttribute("tabindex");
  made.querySelector(".tag")?.remove();
  unread = Math.max(0, unread - 1);
}

async function read(id) {
  const made = cards.get(id);
  if (!made?.classList.contains("unread")) return;
  settleRead(made);
  show();
  await fetch(`${base}/${encodeURIComponent(id)}/read`, { method: "POST" });
}

async function readAll() {
  await fetch(`${base}/read-all`, { method: "POST" });
  cards.forEach(settleRead);
  unread = 0;
  show();
}

function arrived(message) {
  if (cards.has(message.message_id)) return;
  const made = card(message);
  made.classList.add("arriving");
  cards.set(message.message_id, made);
  $("messages").prepend(made);
  unread += message.read_at ? 0 : 1;
  show();
}

async function load() {
  const answer = await fetch(`${base}?limit=20${next ? `&cursor=${encodeURIComponent(next)}` : ""}`);
  if (!answer.ok) throw new Error(String(answer.status));
  const page = await answer.json();
  for (const message of page.items) {
    if (cards.has(message.message_id)) continue;
    cards.set(message.message_id, card(message));
    $("messages").append(cards.get(message.message_id));
  }
  unread = page.unread;
  next = page.next_cursor;
  $("failed").hidden = true;
  show();
  return page;
}

function live(after) {
  const stream = new EventSource(`${base}/stream${after ? `?after=${encodeURIComponent(after)}` : ""}`);
  const say = (on) => {
    $("live").classList.toggle("on", on);
    $("live").textContent = on ? $("live").dataset.on : $("live").dataset.off;
  };
  stream.addEventListener("open", () => say(true));
  stream.addEventListener("error", () => say(false));
  stream.addEventListener("message", (event) => arrived(JSON.parse(event.data)));
}

async function start() {
  try {
    live((await load()).stream_after);
  } catch {
    $("failed").textContent = inbox.dataset.failed;
    $("failed").hidden = false;
    setTimeout(start, 3000);
  }
}

$("more").addEventListener("click", () => load());
$("read-all").addEventListener("click", () => readAll());
start();
