"use strict";
// The facts, and the elements that both pages are made of.
const facts = JSON.parse(document.getElementById("facts").textContent);
const parts = (() => {
  const SVG = "http://www.w3.org/2000/svg";
  const plots = [];

  // An element with properties and children; strings become text, never markup.
  function make(name, properties = {}, ...children) {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(properties)) {
      if (key.includes("-") || key === "scope") element.setAttribute(key, value);
      else if (key === "style") Object.assign(element.style, value);
      else element[key] = value;
    }
    element.append(...children.filter(child => child !== null && child !== undefined));
    return element;
  }

  const share = (value, digits = 3) => (value === null || value === undefined ? "\u2013" : value.toFixed(digits));

  function tile(label, value, note = "") {
    return make("div", { className: "tile" }, make("span", { className: "label", textContent: label }),
      make("strong", { textContent: value }), make("span", { className: "note", textContent: note }));
  }
  const tiles = (...list) => make("section", { className: "tiles" }, ...list);

  const named = one => make("td", { title: one.name }, make("i", { className: "swatch", style: { background: one.color } }),
    make("bdi", { textContent: one.name }));

  function table(heads, rows, className = "scroll tall") {
    return make("div", { className }, make("table", {},
      make("thead", {}, make("tr", {}, ...heads.map(text => make("th", { scope: "col", textContent: text })))),
      make("tbody", {}, ...rows.map(cells => make("tr", {}, ...cells.map(cell =>
        cell instanceof Node ? cell : make("td", { textContent: cell })))))));
  }

  function list(title, items) {
    if (!items.length) return null;
    return make("details", {}, make("summary", { textContent: `${title}: ${format.number(items.length)}` }),
      make("ul", {}, ...items.map(text => make("li", {}, make("bdi", { textContent: text })))));
  }

  const ink = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  // Axes from 0 to 1 both ways; drawn again when the theme changes.
  function plot(room, { label, data, series, draw, height = 300 }) {
    const axis = { stroke: () => ink("--muted"), grid: { stroke: () => ink("--line"), width: 1 }, ticks: { show: false },
      font: "11px system-ui", splits: () => [0, 0.25, 0.5, 0.75, 1], values: (u, splits) => splits.map(String), labelSize: 18, labelFont: "12px system-ui" };
    room.setAttribute("role", "img");
    room.setAttribute("aria-label", label.title);
    const size = () => ({ width: Math.max(200, room.clientWidth - 8), height });
    const drawn = new uPlot({
      ...size(), padding: [10, 14, 0, 0], legend: { show: false }, cursor: { show: false }, select: { show: false },
      scales: { x: { time: false, range: [0, 1] }, y: { range: [0, 1] } },
      axes: [{ ...axis, label: label.x, size: 26 }, { ...axis, label: label.y, size: 42 }],
      series, hooks: draw ? { draw: [draw] } : {},
    }, data, room);
    plots.push(drawn);
    new ResizeObserver(() => drawn.setSize(size())).observe(room);
    return drawn;
  }
  const repaint = () => plots.forEach(one => one.redraw());

  // Boxes and outlines of one side over a picture.
  function shot(frame, side) {
    const [width, height] = frame.size;
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.setAttribute("preserveAspectRatio", "none");
    for (const found of side.boxes) {
      const [left, top, right, bottom] = found.box;
      const rings = found.outline.length ? found.outline : [[[left, top], [right, top], [right, bottom], [left, bottom]]];
      const path = rings.map(ring => `M${ring.map(corner => corner.join(" ")).join("L")}Z`).join("");
      for (const className of ["casing", "box"]) {
        const element = document.createElementNS(SVG, "path");
        element.setAttribute("d", path);
        element.setAttribute("class", className);
        if (className === "box") element.setAttribute("stroke", found.color);
        svg.append(element);
      }
    }
    return make("div", { className: "shot" }, make("img", { src: frame.picture, alt: "", loading: "lazy" }), svg);
  }

  return { make, share, tile, tiles, named, table, list, plot, repaint, shot, ink };
})();
