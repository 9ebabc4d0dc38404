"use strict";
// The one script of the console: times in the viewer's zone, running countdowns, and live fragments.
// Without it every page can be read and every form can be sent.

const pad = (number) => String(number).padStart(2, "0");

function localTimes(root) {
  const format = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
  for (const element of root.querySelectorAll("time[data-instant]")) {
    const at = new Date(element.dateTime);
    if (Number.isNaN(at.getTime()) || element.title) continue;
    element.title = element.textContent;
    element.textContent = format.format(at);
  }
}

function span(seconds) {
  const minutes = Math.floor(Math.abs(seconds) / 60);
  const days = Math.floor(minutes / 1440), hours = Math.floor((minutes % 1440) / 60);
  let words = `${minutes} min ${pad(Math.floor(Math.abs(seconds) % 60))} s`;
  if (hours) words = `${hours} h ${pad(minutes % 60)} min`;
  if (days) words = `${days} d ${pad(hours)} h`;
  return seconds < 0 ? `${words} overdue` : words;
}

function countdowns() {
  for (const element of document.querySelectorAll("time[data-countdown]")) {
    const left = (new Date(element.dateTime).getTime() - Date.now()) / 1000;
    const words = span(left);
    if (element.textContent !== words) element.textContent = words;
    element.className = `countdown ${left < 0 ? "late" : left < 14400 ? "soon" : "calm"}`;
  }
}

// What a live part tells people who do not see it. Countdowns are no part of it: nobody wants to hear every second.
function told(root) {
  return [...root.querySelectorAll("[data-say]")].map((element) => {
    const named = element.querySelector("h3, strong, a") || element;
    return `${element.dataset.say}: ${named.textContent.trim().replace(/\s+/g, " ")}`;
  });
}

function say(place, words) {
  const element = document.getElementById(place);
  if (element && element.textContent !== words) element.textContent = words;
}

// What a part shows, apart from the passing of time.
const shown = (part) => part.innerHTML.replace(/(<time[^>]*>)[^<]*/g, "$1");

// Whether somebody has written something on this page that is not sent yet.
const written = () => [...document.querySelectorAll("textarea, input:not([type=hidden])")].some((field) => field.value !== field.defaultValue);

// A live part is fetched anew, at most once a second, when something happened that it shows, and once when the line is
// there: what was written in between no event tells. Whoever types in it is not disturbed.
function live(part) {
  let waiting = 0, asked = false, last = shown(part);
  const name = part.dataset.live;
  const refresh = async () => {
    waiting = 0;
    const current = document.querySelector(`[data-live="${name}"]`);
    if (!current || current.contains(document.activeElement) && document.activeElement.matches("input, textarea, select")) { asked = true; return; }
    const answer = await fetch(location.href, { headers: { accept: "text/html" }, credentials: "same-origin" });
    if (answer.status === 404 || answer.status === 405) return; // what a form answered: loading that again would send it again
    if (answer.status >= 500 || answer.status === 429) { waiting = setTimeout(() => refresh().catch(() => {}), 5000); return; } // busy, not signed out
    if (!answer.ok || answer.redirected) {
      if (!written()) location.reload();
      else say("line", "You are signed out. What you have written stays on this page: sign in in another window before you send it.");
      return;
    }
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector(`[data-live="${name}"]`);
    if (!fresh || shown(fresh) === last) return;
    last = shown(fresh);
    const focus = current.contains(document.activeElement) ? document.activeElement.id : "";
    const open = new Set([...current.querySelectorAll("details[open][id]")].map((element) => element.id));
    const before = new Set(told(current)), now = told(fresh).filter((words) => !before.has(words));
    current.replaceChildren(...fresh.childNodes);
    if (now.length) say("heard", now.length > 4 ? `${now.slice(0, 4).join(". ")}, and ${now.length - 4} more` : now.join(". "));
    for (const id of open) { const element = document.getElementById(id); if (element) element.open = true; }
    if (focus) document.getElementById(focus)?.focus();
    localTimes(current);
    countdowns();
  };
  const source = new EventSource(part.dataset.events);
  const soon = () => { if (!waiting) waiting = setTimeout(() => refresh().catch(() => {}), 800 + Math.random() * 400); };
  source.onmessage = soon;
  for (const kind of (part.dataset.kinds || "incident.opened incident.state plan.pinned facts.set operation.started operation.finished operation.failed operation.skipped operation.redone task.opened task.answered task.escalated task.reassigned task.claimed clock.started clock.changed clock.submitted clock.waived clock.missed evidence.kept message.sent hold.drifted hold.seen hold.unseen hold.ended run.paused run.unpaused run.aborted incident.readers fault.mended request.received request.completed request.written request.withdrawn request.answered copies.noted bank.feedback note lagged").split(" ")) source.addEventListener(kind, soon);
  source.onerror = () => {
    document.body.dataset.line = "broken";
    say("line", "The connection to Firedoor is lost. What you see may be old; this page tries again by itself.");
  };
  source.addEventListener("closed", () => {
    source.close();
    document.body.dataset.line = "broken";
    say("line", "Too many windows are open: this page no longer follows what happens. Load it again to have it live.");
  });
  source.onopen = () => {
    soon();
    document.body.dataset.line = "open";
    say("line", "");
  };
  document.addEventListener("focusout", () => { if (asked) { asked = false; soon(); } });
}

for (const part of document.querySelectorAll("[data-live][data-events]")) live(part);
localTimes(document);
countdowns();
setInterval(countdowns, 1000);
