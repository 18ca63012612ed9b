"use strict";
// The curves of the page of a training.
const charts = (() => {
  const { plot, ink } = parts;
  const diagonal = () => ({ stroke: () => ink("--line"), width: 1, dash: [4, 4], points: { show: false } });

  // Curves of several classes over one axis: points of all, sorted, each class with its own values.
  function joined(curves) {
    const xs = [...new Set(curves.flat().map(point => point[0]))].sort((a, b) => a - b);
    const place = new Map(xs.map((x, index) => [x, index]));
    const rows = curves.map(curve => {
      const row = new Array(xs.length).fill(null);
      // At one x a step curve rises: its highest value is shown.
      for (const [x, y] of curve) row[place.get(x)] = Math.max(y, row[place.get(x)] ?? 0);
      return row;
    });
    return [xs, ...rows];
  }

  function classes(room, classList, key, label, level) {
    const shown = classList.map((one, index) => ({ ...one, color: facts.colors[index] })).filter(one => one[key].length);
    const series = shown.map(one => ({ stroke: one.color, width: 1.6, spanGaps: true, points: { show: false } }));
    const data = joined([...shown.map(one => one[key]), ...(level ? [[[0, 0], [1, 1]]] : [])]);
    plot(room, { label, data, series: [{}, ...series, ...(level ? [{ ...diagonal(), spanGaps: true }] : [])] });
  }

  function calibration(room, bins) {
    const data = joined([bins.map(bin => [bin.said, bin.right]), [[0, 0], [1, 1]]]);
    plot(room, { label: { title: "Calibration", x: "probability that is said", y: "share that is right" }, data, series: [{},
      { stroke: () => ink("--accent"), width: 2, spanGaps: true, points: { show: true, size: 6 } }, { ...diagonal(), spanGaps: true }] });
  }

  // Examples per class on a scale of its own: 1 is the most, or what is forecast.
  function learning(room, curve, forecast) {
    const most = forecast ? forecast.examples : curve.at(-1)[0];
    const data = joined([curve.map(([count, accuracy]) => [count / most, accuracy]),
      ...(forecast ? [[[curve.at(-1)[0] / most, curve.at(-1)[1]], [1, forecast.accuracy]]] : [])]);
    plot(room, { label: { title: "Learning curve", x: `examples per class (right edge: ${most})`, y: "accuracy" }, data,
      series: [{}, { stroke: () => ink("--accent"), width: 2, spanGaps: true, points: { show: true, size: 6 } },
        ...(forecast ? [{ ...diagonal(), stroke: () => ink("--muted"), spanGaps: true }] : [])] });
  }
  return { classes, calibration, learning };
})();
