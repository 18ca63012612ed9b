"use strict";
(() => {
  const $ = id => document.getElementById(id);
  const isDark = () => (document.documentElement.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  function toggle() {
    document.documentElement.dataset.theme = isDark() ? "light" : "dark";
    parts.repaint();
  }
  const page = { diff: () => diffPage, evaluate: () => evaluatePage, train: () => trainingPage }[facts.page]();
  $("title").textContent = page.build($("main"));
  document.title = `${$("title").textContent} \u00b7 mediaml ${facts.page}`;
  $("written").textContent = `mediaml ${facts.version} \u00b7 ${format.moment(facts.written)}`;
  $("theme").onclick = toggle;
  addEventListener("keydown", event => { if (event.key === "t" && !event.ctrlKey && !event.metaKey && !event.altKey) toggle(); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", parts.repaint);
  document.documentElement.dataset.ready = "true";
})();
