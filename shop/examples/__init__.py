"""Examples in the OpenAPI document: every body, answer and refusal has one, put together from one table of words."""

from collections.abc import Iterator
from string import Formatter
from typing import Any

from apispec import APISpec

from shop.errors import Refusal
from shop.examples.sample_values import BY_FORMAT, FACTS, FACTS_OF, SECRET, WORDS
from shop.http.problems import CODE_OF_STATUS, SENTENCE_OF_STATUS, problem_body, status_of

COMPONENT = "#/components/examples/"


def add_to(spec: APISpec) -> None:
    """After all blueprints and webhooks: it looks at the finished document."""
    examples = Examples(spec.components.schemas)
    for operation in _operations(spec):
        for content in _bodies_and_answers(operation):
            examples.show(content)
    used = set(_refusals(spec))
    problems = {name: body for name, body in _problems() if name in used}
    for name, value in (examples.made | problems).items():
        spec.components.example(name, {"value": value})


class Examples:
    """What is made of the schemas, once for each; `unknown` are fields that the table has no word for."""

    def __init__(self, schemas: dict[str, dict[str, Any]]) -> None:
        self.schemas = schemas
        self.made: dict[str, Any] = {}
        self.unknown: set[str] = set()

    def show(self, content: dict[str, Any]) -> None:
        if "example" in content or "examples" in content:
            return
        if "$ref" not in content["schema"]:
            content["example"] = self._make(content["schema"])
            return
        name = _named(content["schema"])
        if name not in self.made:
            self.made[name] = self._make(content["schema"])
        content["examples"] = {name: {"$ref": COMPONENT + name}}

    def _make(self, schema: dict[str, Any], owner: str = "", field: str = "") -> Any:
        if "anyOf" in schema:  # the thing, or null
            schema = schema["anyOf"][0]
        if "$ref" in schema:
            owner = _named(schema)
            schema = self.schemas[owner]
        if "properties" in schema:
            return {name: self._of_field(each, owner, name) for name, each in schema["properties"].items()}
        if "array" in schema.get("type", ()):
            return [self._make(schema["items"], owner, field)]
        if "enum" not in schema and field in WORDS:
            return WORDS[field]
        return self._without_word(schema, owner, field)

    def _of_field(self, schema: dict[str, Any], owner: str, name: str) -> Any:
        word = f"{owner}.{name}"
        return WORDS[word] if word in WORDS else self._make(schema, owner, name)

    def _without_word(self, schema: dict[str, Any], owner: str, field: str) -> Any:
        if "const" in schema or "enum" in schema:
            return schema.get("const") or schema["enum"][0]
        if schema.get("format") in BY_FORMAT:
            return BY_FORMAT[schema["format"]]
        if "integer" in schema.get("type", ()):
            return 1
        self.unknown.add(f"{owner}.{field}")
        return None


def _operations(spec: APISpec) -> Iterator[dict[str, Any]]:
    for path in [*spec._paths.values(), *spec.options.get("webhooks", {}).values()]:
        yield from (operation for method, operation in path.items() if method != "parameters")


def _bodies_and_answers(operation: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Files have no example: what is in them is described elsewhere."""
    yield from operation.get("requestBody", {}).get("content", {}).values()
    for response in operation["responses"].values():
        if "application/json" in response.get("content", {}):
            yield response["content"]["application/json"]


def _refusals(spec: APISpec) -> Iterator[str]:
    for operation in _operations(spec):
        for response in operation["responses"].values():
            for content in response.get("content", {}).values():
                yield from (_named(example) for example in content.get("examples", {}).values())


def _problems() -> Iterator[tuple[str, dict[str, Any]]]:
    """By the names that ApiBlueprint gives them."""
    for status, code in CODE_OF_STATUS.items():
        detail = SENTENCE_OF_STATUS.get(status, "You have sent too many requests; Retry-After says when to come back.")
        yield f"Problem.{code}", problem_body(status, code, detail, request_id=SECRET)
    for kind in _kinds(Refusal):
        names = [name for _, name, _, _ in Formatter().parse(kind.message) if name]
        facts = FACTS_OF.get(kind.code) or {name: FACTS.get(name, WORDS.get(name)) for name in names}
        detail = kind.message.format(**facts)
        body = problem_body(status_of(kind), kind.code, detail, facts=facts, request_id=SECRET)
        yield f"Problem.{kind.code}", body


def _kinds(kind: type[Refusal]) -> Iterator[type[Refusal]]:
    for child in kind.__subclasses__():
        yield child
        yield from _kinds(child)


def _named(schema: dict[str, Any]) -> str:
    name: str = schema["$ref"].rpartition("/")[2]
    return name
