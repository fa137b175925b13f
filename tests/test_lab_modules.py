"""The lab's JavaScript, joined into one module without a bundler."""

import re

import pytest
from test_lab_links import node

from golden_lib.lab.modules import STATIC, joined

FILES = {
    "entry": 'import { b } from "./b.js";\nimport {\n  c,\n  D,\n} from "./c.js";\n'
    "export default { value: () => [b(), c, new D().d] };\n",
    "b": 'import { c } from "./c.js";\nexport function b() {\n  return c + 1;\n}\n',
    "c": "export const c = 1;\nexport class D {\n  d = 3;\n}\n",
}


def written(folder, files):
    for name, text in files.items():
        (folder / f"{name}.js").write_text(text)
    return folder


def test_a_joined_module_does_what_its_files_do(tmp_path):
    text = joined("entry", written(tmp_path, FILES))
    assert "import" not in text
    assert text.count("export ") == 1
    program = """
    const module = await import("data:text/javascript," + encodeURIComponent(given));
    console.log(JSON.stringify(module.default.value()));
    """
    assert node(program, text) == [2, 1, 3]


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({"b": "export const c = 2;\n"}, "a top-level name must be in one file alone, got c"),
        ({"c": 'import { b } from "./b.js";\n'}, "imports must not go in a circle, got entry → b"),
        ({"c": 'import c from "./b.js";\n'}, "an import must read"),
        ({"c": 'import { e as f } from "./e.js";\n'}, "an import must keep the name"),
        ({"c": "const c = 1;\nexport { c };\n"}, "an import must read"),
        ({"c": "export default 1;\n"}, "only entry.js may have an export default"),
        ({"c": 'import { e } from "./e.js";\n'}, "a module must be a file"),
    ],
)
def test_what_cannot_be_joined_is_refused(tmp_path, files, sentence):
    folder = written(tmp_path, {**FILES, **files})
    if "one file alone" in sentence:
        (folder / "b.js").write_text('import { c } from "./c.js";\nconst D = c;\n')
        sentence = "a top-level name must be in one file alone, got D"
    with pytest.raises(ValueError, match=sentence):
        joined("entry", folder)


def test_the_lab_is_one_module_with_one_export_that_node_can_parse():
    text = joined("lab")
    program = """
    const module = await import("data:text/javascript," + encodeURIComponent(given));
    console.log(JSON.stringify([Object.keys(module), typeof module.default.render]));
    """
    assert node(program, text) == [["default"], "function"]


def test_no_file_of_the_front_end_is_longer_than_one_reads_in_one_sitting():
    names = set(re.findall(r'from "\./(\w+)\.js"', every_text()))
    for name in sorted(names):
        lines = len((STATIC / f"{name}.js").read_text(encoding="utf-8").splitlines())
        assert lines <= 300, f"{name}.js must have at most 300 lines, got {lines}"


def every_text() -> str:
    """The front end's files as they are, with their imports."""
    found, waiting = {}, ["lab"]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = (STATIC / f"{name}.js").read_text(encoding="utf-8")
            waiting += re.findall(r'^import .* from "\./(\w+)\.js"', found[name], re.MULTILINE)
    return "\n".join(found.values())
