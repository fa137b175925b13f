// @ts-check
// The line to the engine: opened at the first command, and watched for a kernel that is silent.
import { hasKernel, openPort, plotlyOf } from "./port.js";

/** A kernel that says nothing for so long is busy with a cell, or was restarted. */
const SILENCE = 8000; // ms

export const GONE = "The kernel does not answer: if it is not busy with a cell, it was restarted; "
  + "run this cell again.";

export class Line {
  /**
   * @param {any} model
   * @param {(event: any) => void} hear takes each event
   * @param {(gone: boolean) => void} report hears that a kernel has gone, or is there again
   */
  constructor(model, hear, report) {
    this.model = model;
    this.hear = hear;
    this.report = report;
    this.opened = null;
    this.waiting = 0;
    this.closed = false;
    /** Who computes in a worker, and whether it has not yet said so. */
    this.engine = "wasm";
    this.changing = false;
    this.onGone = () => report(true);
    model.on("comm_live_update", this.onGone);
  }

  /** The port, opened at the first call. */
  port() {
    this.opened ??= openPort(this.model).then((port) => {
      if (this.closed) {
        port.close();
        return port;
      }
      port.listen((event) => this.answered(event));
      if (this.engine !== "wasm") this.order(port);
      return port;
    });
    return this.opened;
  }

  answered(event) {
    window.clearTimeout(this.waiting);
    this.waiting = 0;
    this.report(false);
    if (event.type === "engine") Object.assign(this, { engine: event.name, changing: false });
    this.hear(event);
  }

  /** Has a worker compute by "wasm" or "webgpu": now, or as soon as there is one. */
  compute(name) {
    this.engine = name;
    this.changing = Boolean(this.opened);
    this.opened?.then((port) => this.order(port)).catch(() => {});
  }

  order(port) {
    this.changing = true;
    port.post({ type: "engine", name: this.engine });
  }

  /** Sends a command; throws where there is no engine to take it. */
  async ask(message, arrays) {
    let port;
    try {
      port = await this.port();
    } catch (error) {
      this.opened = null; // another try may do better
      throw error;
    }
    if (this.closed) return;
    try {
      port.post(message, arrays);
    } catch (error) {
      if (hasKernel(this.model)) this.report(true);
      throw error;
    }
    if (hasKernel(this.model) && !this.waiting) {
      this.waiting = window.setTimeout(() => this.report(true), SILENCE);
    }
  }

  plotly() {
    return plotlyOf(this.model, () => this.port());
  }

  close() {
    this.closed = true;
    window.clearTimeout(this.waiting);
    this.model.off("comm_live_update", this.onGone);
    this.opened?.then((port) => port.close()).catch(() => {});
  }
}
