// @ts-check
// Draws the Plotly figures of a page when they come into view, in the colours of the theme.
// A classic script, so that it also runs on a page opened from a folder (file://).
(() => {
  "use strict";
  const folder = /** @type {HTMLScriptElement} */ (document.currentScript).src.replace(/[^/]*$/, "");
  const CONFIG = { responsive: true, displaylogo: false, showSendToCloud: false };
  const AXES = ["xaxis", "yaxis", "zaxis"];

  /** @type {Promise<any> | undefined} */
  let plotly;

  /** Loads plotly.min.js once, for all figures of the page. */
  function loadPlotly() {
    plotly ??= new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = `${folder}plotly.min.js`;
      script.onload = () => resolve(/** @type {any} */ (window).Plotly);
      script.onerror = () => reject(new Error(`${script.src} did not load`));
      document.head.append(script);
    });
    return plotly;
  }

  /** Writes `over` into a copy of `base`, key by key. */
  function merge(base, over) {
    const result = { ...base };
    for (const [key, value] of Object.entries(over)) {
      const plain = value && typeof value === "object" && !Array.isArray(value);
      result[key] = plain ? merge(result[key], value) : value;
    }
    return result;
  }

  /** The colours of the theme as a Plotly template; what a figure sets itself goes before it. */
  function themed(template) {
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(`--golden-${name}`).trim();
    const clear = "rgba(0,0,0,0)";
    const text = colour("text");
    const axis = {
      color: text, gridcolor: colour("grid"), linecolor: colour("line"),
      zerolinecolor: colour("line"), tickcolor: colour("line"),
    };
    const space = Object.fromEntries(
      AXES.map((name) => [name, { ...axis, backgroundcolor: clear, showbackground: false }]),
    );
    const box = { bgcolor: colour("surface"), bordercolor: colour("line"), font: { color: text } };
    return merge(template, {
      layout: {
        font: { color: text },
        paper_bgcolor: clear, plot_bgcolor: clear,
        xaxis: axis, yaxis: axis, scene: { ...space, bgcolor: clear },
        polar: { bgcolor: clear, angularaxis: axis, radialaxis: axis },
        legend: { bgcolor: clear, font: { color: text } }, hoverlabel: box,
        annotationdefaults: { font: { color: text }, arrowcolor: text },
        sliderdefaults: {
          ...box, activebgcolor: colour("active"), tickcolor: text,
          currentvalue: { font: { color: text } },
        },
        updatemenudefaults: box,
        modebar: { bgcolor: clear, color: colour("line"), activecolor: text },
      },
    });
  }

  /** Draws one figure, once. */
  async function draw(figure) {
    if (figure.dataset.state) return;
    figure.dataset.state = "drawing";
    const plot = figure.querySelector(".golden-plot");
    try {
      const { data, layout, frames } = JSON.parse(figure.querySelector("script").textContent);
      const Plotly = await loadPlotly();
      delete layout.width;  // as wide as the page
      layout.template = themed(layout.template);
      await Plotly.newPlot(plot, { data, layout, frames, config: CONFIG });
      figure.dataset.state = "drawn";
    } catch (error) {
      figure.dataset.state = "failed";  // the caption shows then
      throw error;
    }
  }

  const figures = [...document.querySelectorAll(".golden-figure")];
  const seen = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      seen.unobserve(target);
      draw(target);
    }
  }, { rootMargin: "400px" });
  for (const figure of figures) seen.observe(figure);
  window.addEventListener("beforeprint", () => figures.forEach(draw));

  new MutationObserver(async () => {
    const drawn = figures.filter((figure) => figure.dataset.state === "drawn");
    if (drawn.length === 0) return;
    const Plotly = await loadPlotly();
    for (const figure of drawn) {
      const plot = figure.querySelector(".golden-plot");
      Plotly.relayout(plot, { template: themed(plot.layout.template) });
    }
  }).observe(document.documentElement, { attributeFilter: ["data-theme"] });
})();
