"use strict";
// Boxes, outlines and keypoints of a frame as SVG, and small helpers that make elements.
const draw = (() => {
  const SVG = "http://www.w3.org/2000/svg";
  const { columns, classes, facts } = data;
  const EDGE = facts.units.edge, LEAST_JOINT = 0.25 * EDGE;

  // An element with properties and children; strings become text, never markup.
  function make(name, properties = {}, ...children) {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(properties)) {
      if (key.includes("-") || key === "role") element.setAttribute(key, value);
      else if (key === "style") Object.assign(element.style, value);
      else element[key] = value;
    }
    element.append(...children.filter(child => child !== null && child !== undefined));
    return element;
  }

  function shape(name, attributes) {
    const element = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    return element;
  }

  // All rows of the image models at a time: the frame that is shown then, until the next one.
  function at(source, time) {
    const rows = [];
    for (const series of source.series) {
      if (series.audio) continue;
      const frame = data.frameAt(series, time);
      if (frame < 0) continue;
      const held = Math.max(columns.length[frame], 1.5 * data.spacing(series));
      if (time - columns.time[frame] > held) continue;
      filters.rowsOf(series, frame, (row, boxed) => { if (boxed) rows.push(row); });
    }
    return rows.sort((a, b) => columns.score[a] - columns.score[b]);
  }

  const textOn = color => {
    const [r, g, b] = [1, 3, 5].map(i => parseInt(color.slice(i, i + 2), 16) / 255);
    return 0.2126 * r ** 2.2 + 0.7152 * g ** 2.2 + 0.0722 * b ** 2.2 > 0.3 ? "#000" : "#fff";
  };

  // The lines of a row: its outline, or its box.
  function lines(row, x, y) {
    const { left, top, right, bottom, shape: shapes, point } = columns;
    const place = shapes[row] - 1;
    let path = "", joints = [];
    if (place >= 0) {
      let at = place, rings = point[at++];
      while (rings-- > 0) {
        const corners = [];
        for (let n = point[at++]; n > 0; n--, at += 2) corners.push(`${point[at] * x} ${point[at + 1] * y}`);
        path += `M${corners.join("L")}Z`;
      }
      for (let n = point[at++]; n > 0; n--, at += 3) joints.push([point[at] * x, point[at + 1] * y, point[at + 2]]);
    }
    path ||= `M${left[row] * x} ${top[row] * y}H${right[row] * x}V${bottom[row] * y}H${left[row] * x}Z`;
    if (joints.length === 17) {
      for (const [a, b] of facts.skeleton) {
        if (Math.min(joints[a][2], joints[b][2]) < LEAST_JOINT) continue;
        path += `M${joints[a][0]} ${joints[a][1]}L${joints[b][0]} ${joints[b][1]}`;
      }
    }
    return { path, joints: joints.filter(joint => joint[2] >= LEAST_JOINT) };
  }

  // Draw rows into an SVG element that covers the picture of a source; optionally with tags beside it.
  function boxes(svg, source, rows, tags = null) {
    const width = source.width ?? 1, height = source.height ?? 1;
    const x = width / EDGE, y = height / EDGE;
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const parts = [], names = [];
    for (const row of rows) {
      const { color } = classes[columns.class_[row]];
      const { path, joints } = lines(row, x, y);
      parts.push(shape("path", { d: path, class: "casing" }), shape("path", { d: path, stroke: color, class: "box" }));
      for (const [cx, cy] of joints) parts.push(shape("circle", { cx, cy, r: Math.max(width, height) / 150, fill: color }));
      if (tags) names.push(tag(row, color));
    }
    if (tags) {
      const places = counts.outlines(source, width, height);
      parts.unshift(...places.shapes);
      tags.replaceChildren(...places.tags, ...names);
    }
    svg.replaceChildren(...parts);
  }

  function tag(row, color) {
    const track = columns.track[row] ? ` #${columns.track[row] - 1}` : "";
    const name = classes[columns.class_[row]].name;
    const above = columns.top[row] / EDGE > 0.06;
    return make("span", {
      className: above ? "tag" : "tag below",
      textContent: `${name}${track} ${(columns.score[row] / filters.SCORE).toFixed(2)}`,
      style: {
        left: `${100 * columns.left[row] / EDGE}%`, top: `${100 * columns.top[row] / EDGE}%`,
        background: color, color: textOn(color),
      },
    });
  }

  const emptySvg = () => shape("svg", { class: "boxes", preserveAspectRatio: "none", "aria-hidden": "true" });
  const swatch = color => make("i", { className: "swatch", style: { background: color } });

  return { make, shape, at, boxes, emptySvg, swatch };
})();
