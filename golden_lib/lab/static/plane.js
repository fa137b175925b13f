// @ts-check
// The front end of a plane, the same in JupyterLab, Notebook, Colab, VS Code and the static page.
import { planeDeskOf } from "./plane_desk.js";
import { buildPlaneView } from "./plane_view.js";
import { widgetOf } from "./widget.js";

export default widgetOf(planeDeskOf, buildPlaneView);
