// @ts-check
// The front end of a plane, the same in JupyterLab, Notebook, Colab, VS Code and the static page.
import { planeDeskOf } from "./plane_desk.js";
import { buildPlaneView } from "./plane_view.js";

export default {
  /** Once a model, where there is a kernel: the engine outlives each single view. */
  initialize({ model }) {
    const desk = planeDeskOf(model, true);
    return () => desk.close();
  },
  /** Once a view; returns what takes it away again. */
  render({ model, el }) {
    const desk = planeDeskOf(model);
    const { root, remove } = buildPlaneView(desk);
    el.append(root);
    desk.enter();
    return () => {
      remove();
      root.remove();
      desk.leave();
    };
  },
};
