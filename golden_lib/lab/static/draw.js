// @ts-check
// Draw a digit with mouse, pen, finger or keys, and see what the network of this moment says.
import { button, element, paced, write } from "./dom.js";
import { percent } from "./settings.js";

const SIDE = 28;
const FINE = 10; // strokes are drawn ten times as fine as a digit's pixels
const PEN = 22; // width of a stroke in fine pixels: that of the rendered digits
const INK_HEIGHT = 18; // pixels of a rendered digit at its usual size
const ASK = 120; // ms at least between two questions to the network

/**
 * A drawing as the network's input: scaled so that its longer side is that of the data's digits,
 * its box in the middle, each pixel the mean of what it covers.
 * @param {ArrayLike<number>} ink fine pixels 0 … 1, `side` × `side`
 * @param {number} side
 * @returns {Float32Array} 784 values in 0 … 1
 */
export function asDigit(ink, side) {
  let [left, top, right, bottom] = [side, side, -1, -1];
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      if (ink[y * side + x] <= 0.1) continue;
      left = Math.min(left, x);
      right = Math.max(right, x);
      top = Math.min(top, y);
      bottom = Math.max(bottom, y);
    }
  }
  const image = new Float32Array(SIDE * SIDE);
  if (right < 0) return image;
  const size = Math.max(right - left, bottom - top) + 1;
  // A dot stays a dot: what is smaller than a fifth of the field is not blown up.
  const scale = INK_HEIGHT / Math.max(size, side / 5);
  const middleX = (left + right + 1) / 2;
  const middleY = (top + bottom + 1) / 2;
  const parts = 4;
  for (let k = 0; k < SIDE * SIDE; k++) {
    let sum = 0;
    for (let part = 0; part < parts * parts; part++) {
      const x = (k % SIDE) + ((part % parts) + 0.5) / parts - SIDE / 2;
      const y = Math.floor(k / SIDE) + (Math.floor(part / parts) + 0.5) / parts - SIDE / 2;
      const column = Math.floor(middleX + x / scale);
      const row = Math.floor(middleY + y / scale);
      if (column >= 0 && row >= 0 && column < side && row < side) sum += ink[row * side + column];
    }
    image[k] = Math.min(1, sum / (parts * parts));
  }
  return image;
}

/**
 * The panel to draw on.
 * @param {import("./desk.js").Desk} desk
 */
export function buildDrawing(desk) {
  const side = SIDE * FINE;
  const canvas = element("canvas", {
    width: side, height: side, class: "gl-paper", tabindex: 0, role: "application",
    "aria-label": "Paper to draw a digit on. Arrow keys move the pen, space puts it down or lifts it,"
      + " Delete clears.",
    on: { pointerdown: press, pointermove: move, pointerup: lift, pointercancel: lift,
      keydown: onKey, focus: () => paint(), blur: () => paint() },
  });
  const strokes = document.createElement("canvas");
  strokes.width = strokes.height = side;
  const pen = /** @type {CanvasRenderingContext2D} */ (
    strokes.getContext("2d", { willReadFrequently: true }));
  const bars = Array.from({ length: 10 }, (_, digit) => {
    const bar = element("span", { class: "gl-chance" });
    const share = element("span", { class: "gl-share" }, "–");
    return { bar, share, row: element("li", {}, element("b", {}, String(digit)), bar, share) };
  });
  const verdict = element("p", { class: "gl-verdict", role: "status" });
  const clear = button("Clear", wipe);
  const root = element("section", { class: "gl-panel gl-draw" },
    element("h4", { class: "gl-panel-title" }, "Draw a digit"),
    element("div", { class: "gl-draw-body" }, canvas,
      element("ol", { class: "gl-chances", "aria-label": "What the network says" },
        ...bars.map(({ row }) => row))),
    element("div", { class: "gl-buttons" }, clear, verdict));
  let last = null;
  let down = false;
  let empty = true;
  const cursor = { x: side / 2, y: side / 2, down: false };
  let image = new Float32Array(SIDE * SIDE);
  const asking = paced(ask, ASK);

  function line(from, to) {
    pen.strokeStyle = "black";
    pen.lineWidth = PEN;
    pen.lineCap = pen.lineJoin = "round";
    pen.beginPath();
    pen.moveTo(from.x, from.y);
    pen.lineTo(to.x, to.y + 0.01);
    pen.stroke();
    empty = false;
    paint();
    asking.call();
  }

  function paint() {
    const context = canvas.getContext("2d");
    context.clearRect(0, 0, side, side);
    context.drawImage(strokes, 0, 0);
    if (document.activeElement !== canvas || down) return;
    context.strokeStyle = cursor.down ? "#b97f00" : "#7d828a";
    context.lineWidth = 3;
    context.beginPath();
    context.arc(cursor.x, cursor.y, PEN / 2 + 3, 0, 2 * Math.PI);
    context.stroke();
  }

  function place(event) {
    const box = canvas.getBoundingClientRect();
    return { x: ((event.clientX - box.left) / box.width) * side,
      y: ((event.clientY - box.top) / box.height) * side };
  }

  function press(event) {
    if (event.button) return;
    canvas.setPointerCapture(event.pointerId);
    down = true;
    last = place(event);
    line(last, last);
  }

  function move(event) {
    if (!down) return;
    for (const each of event.getCoalescedEvents?.() ?? [event]) {
      const to = place(each);
      line(last, to);
      last = to;
    }
  }

  function lift() {
    down = false;
    paint();
  }

  function onKey(event) {
    const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    if (event.key in ways) {
      const from = { ...cursor };
      cursor.x = Math.min(side, Math.max(0, cursor.x + FINE * ways[event.key][0]));
      cursor.y = Math.min(side, Math.max(0, cursor.y + FINE * ways[event.key][1]));
      if (cursor.down) line(from, cursor);
      else paint();
    } else if (event.key === " ") {
      cursor.down = !cursor.down;
      if (cursor.down) line(cursor, cursor);
      else paint();
    } else if (event.key === "Delete" || event.key === "Backspace") {
      wipe();
    } else {
      return;
    }
    event.preventDefault();
  }

  function wipe() {
    pen.clearRect(0, 0, side, side);
    Object.assign(cursor, { x: side / 2, y: side / 2, down: false });
    empty = true;
    asking.stop();
    paint();
    desk.story.prediction = null;
    show();
  }

  function ask() {
    if (empty) return;
    const { data } = pen.getImageData(0, 0, side, side);
    image = asDigit(Float32Array.from({ length: side * side }, (_, k) => data[4 * k + 3] / 255), side);
    refresh();
  }

  /** Asks what the network of this moment says; nothing where nothing is drawn. */
  function refresh() {
    if (empty) return;
    if (desk.live) desk.predict(image);
    else show();
  }

  function show() {
    const { prediction } = desk.story;
    const shares = prediction && !empty ? prediction.arrays.probabilities.data : null;
    let best = 0;
    bars.forEach(({ bar, share, row }, digit) => {
      const value = shares ? shares[digit] : NaN;
      if (shares && value > shares[best]) best = digit;
      bar.style.setProperty("--share", String(Number.isFinite(value) ? value : 0));
      write(share, percent(value));
      row.classList.remove("gl-best");
    });
    const told = shares && Number.isFinite(shares[best]);
    if (told) bars[best].row.classList.add("gl-best");
    write(verdict, told ? `It says ${best}.` : empty ? "" : desk.live ? ""
      : "Press Train first: the network is made when training begins.");
  }

  return { root, show, refresh: paced(refresh, 400).call, remove: () => asking.stop() };
}
