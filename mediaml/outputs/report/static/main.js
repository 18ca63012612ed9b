"use strict";
// Puts the parts together: tabs, keys, light and dark.
(() => {
  const { facts } = data;
  const $ = id => document.getElementById(id);
  const PARTS = ["files", ...(counts.show($("counts")) ? ["counts"] : []), "failures", "run"];

  function showPart(part) {
    for (const name of PARTS) {
      $(name).hidden = name !== part;
      $(`tab-${name}`).setAttribute("aria-selected", name === part);
      $(`tab-${name}`).tabIndex = name === part ? 0 : -1;
    }
    if (part === "files" && filters.found) cards.update(filters.found);
    if (part === "counts") counts.fit();
  }

  for (const name of PARTS) {
    $(`tab-${name}`).hidden = false;
    $(`tab-${name}`).onclick = () => showPart(name);
  }
  document.querySelector(".tabs").addEventListener("keydown", event => {
    const at = PARTS.findIndex(name => event.target.id === `tab-${name}`);
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (at < 0 || !step) return;
    event.stopPropagation();
    const next = PARTS[(at + step + PARTS.length) % PARTS.length];
    showPart(next);
    $(`tab-${next}`).focus();
  });

  function toggleTheme() {
    const dark = document.documentElement.dataset.theme
      ? document.documentElement.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    document.documentElement.dataset.theme = dark ? "light" : "dark";
    repaint();
  }

  // Plots are painted in the colours of the theme.
  function repaint() {
    panel.redraw();
    counts.redraw();
    if (viewer.isOpen) viewer.refresh();
  }

  function toggleKeys() { if ($("keys").open) $("keys").close(); else $("keys").showModal(); }

  const ANYWHERE = {
    "?": toggleKeys, "t": toggleTheme, "b": viewer.toggleBoxes,
    "[": () => panel.nudge(-0.05), "]": () => panel.nudge(0.05),
  };
  const IN_VIEWER = {
    "ArrowLeft": () => viewer.go(-1), "ArrowRight": () => viewer.go(1), " ": viewer.play,
    ",": () => viewer.step(-1), ".": () => viewer.step(1),
  };
  const IN_GRID = {
    "ArrowLeft": () => cards.move(-1, 0), "ArrowRight": () => cards.move(1, 0),
    "ArrowUp": () => cards.move(0, -1), "ArrowDown": () => cards.move(0, 1), "Enter": cards.openCurrent,
  };

  document.addEventListener("keydown", event => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.target;
    const typing = target.matches("input[type=search], select, textarea");
    if (event.key === "Escape" && target === $("find")) { target.value = ""; target.dispatchEvent(new Event("input")); target.blur(); return; }
    if (typing) return;
    if (event.key === "/") { event.preventDefault(); if (!viewer.isOpen) { showPart("files"); $("find").focus(); } return; }
    let action = ANYWHERE[event.key];
    const onControl = target.matches("button, input, summary, a, video, audio");
    // Space presses a button that was reached by keys; after a click it plays.
    const pressed = target.matches("a, input, video, audio, button:focus-visible");
    if (!action && viewer.isOpen) action = event.key === " " && pressed ? null : IN_VIEWER[event.key];
    else if (!action && !$("files").hidden && !$("keys").open && !onControl) action = IN_GRID[event.key];
    if (action) { event.preventDefault(); action(); }
  });

  $("title").textContent = facts.folder;
  document.title = `${facts.folder} · mediaml report`;
  $("written").textContent = `mediaml ${facts.version} · ${format.moment(facts.written)}`;
  $("notes").hidden = !facts.notes.length;
  $("notes").textContent = facts.notes.join(" ");
  $("theme").onclick = toggleTheme;
  $("help").onclick = toggleKeys;
  $("keys").addEventListener("click", event => { if (event.target === $("keys")) $("keys").close(); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
  if (matchMedia("(max-width: 820px)").matches) $("filters").open = false;

  const failed = tables.failures($("failures"));
  tables.run($("run"));
  if (failed) $("tab-failures").append(draw.make("b", { className: "bad", textContent: format.number(failed) }));
  cards.onOpen(viewer.open);
  filters.follow((found, state) => {
    panel.update(found, state, () => { showPart("failures"); $("tab-failures").focus(); });
    // Cards that an open file hides are made when it is closed.
    if (viewer.isOpen) viewer.refresh();
    else if (!$("files").hidden) cards.update(found);
  });
  showPart("files");
  filters.begin();
  document.documentElement.dataset.ready = "true";
})();
