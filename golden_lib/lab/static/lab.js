// @ts-check
// The lab's front end, the same in JupyterLab, Notebook, Colab, VS Code and the static page.
import { deskOf } from "./desk.js";
import { buildView } from "./view.js";

export default {
  /** Once a model, where there is a kernel: the engine outlives each single view. */
  initialize({ model }) {
    const desk = deskOf(model, true);
    return () => desk.close();
  },
  /** Once a view; returns what takes it away again. */
  render({ model, el }) {
    const desk = deskOf(model);
    const { root, remove } = buildView(desk);
    el.append(root);
    desk.enter();
    return () => {
      remove();
      root.remove();
      desk.leave();
    };
  },
};
