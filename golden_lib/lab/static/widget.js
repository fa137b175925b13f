// @ts-check
// A widget as anywidget takes it: a desk that all views of a model share, and a view at it.

/**
 * @param {(model: any, stays?: boolean) => any} deskOf
 * @param {(desk: any) => {root: HTMLElement, remove: () => void}} buildView
 */
export function widgetOf(deskOf, buildView) {
  return {
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
}
