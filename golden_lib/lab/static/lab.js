// @ts-check
// The lab's front end, the same in JupyterLab, Notebook, Colab, VS Code and the static page.
import { deskOf } from "./desk.js";
import { buildView } from "./view.js";
import { widgetOf } from "./widget.js";

export default widgetOf(deskOf, buildView);
