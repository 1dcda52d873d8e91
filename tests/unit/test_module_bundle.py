"""`edge.module_bundle`: many modules as one script."""

import subprocess

import pytest

from edge.module_bundle import bundle

MODULES = {
    "main.js": """
import { added as sum, Box } from "./parts/add.js";
import {
  twice,
} from "./parts/twice.js";
import * as counting from "./parts/count.js";

console.log(sum(1, 2), new Box(twice(4)).held, counting.next(), counting.NAME);
""",
    "parts/add.js": """
import { next } from "./count.js";
next();
const own = 1; // every module has its own names
export function added(a, b) {
  return a + b;
}
export class Box {
  constructor(held) {
    this.held = held;
  }
}
""",
    "parts/twice.js": """
const own = 2;
export const twice = (number) => own * number;
export async function never() {}
""",
    "parts/count.js": """
let count = 0;
export const NAME = 'import { x } from "./not.js"';
export function next() {
  return (count += 1);
}
""",
    "unused.js": "throw new Error();",
}


def run(script: str) -> str:
    return subprocess.run(["node", "-e", script], capture_output=True, text=True, check=True).stdout.strip()


def test_the_bundle_does_what_the_modules_do() -> None:
    """Each is evaluated once, after those that it imports; what nothing imports is left out."""
    assert run(bundle(MODULES, "main.js")) == "3 8 2 " + MODULES["parts/count.js"].split("'")[1]


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ('import { x } from "./none.js";', "none.js, which does not exist"),
        ('import { main } from "./main.js";', "in a circle: main.js → main.js"),
        ('import x from "./parts/add.js";', 'can.t have .import x from "./parts/add.js";'),
        ('import("./parts/add.js");', r"can.t have .import\("),
        ("export default 1;", "can.t have .export default 1;"),
        ("export { run };", "can.t have .export { run };"),
        ("await 1;", "can.t have .await 1;"),
    ],
)
def test_what_a_bundle_cannot_have_is_refused(source: str, why: str) -> None:
    """When the service starts, and not as an error in a reader's browser."""
    with pytest.raises(ValueError, match=why):
        bundle({**MODULES, "main.js": source}, "main.js")
