"""How our OpenAPI document differs from a published one, as sentences; nothing where ours says the same or more.

The published documents leave out nullability, newer fields and whole endpoints. Times and other numbers compare as numbers; where one side
takes any JSON (metadata) nothing is compared.
"""

from tests.conformance.contract import Shape, operations


def differences(ours, theirs):
    """All differences in the operations that both documents have."""
    known = operations(ours)
    for key, other in operations(theirs).items():
        mine = known.get(key)
        if mine is None:
            continue
        name = " ".join(key)
        yield from _parameters(name, mine, other)
        wanted_body = _body(other, theirs)
        if wanted_body is not None and wanted_body.members:
            yield from _request(f"{name}: body", _body(mine, ours), wanted_body)
        yield from _answers(name, (mine, ours), (other, theirs))


def _parameters(name, mine, other):
    known = {(one["in"], one["name"]): one for one in mine["parameters"] if one.get("in") in ("path", "query")}
    for wanted in other.get("parameters", ()):
        where = f"{name}: {wanted['in']} {wanted['name']}"
        found = known.get((wanted["in"], wanted["name"]))
        if wanted["in"] not in ("path", "query"):
            continue
        if found is None:
            yield f"{where} is missing"
            continue
        if found["required"] != wanted.get("required", False):
            yield f"{where} is {'required' if found['required'] else 'optional'}"
        mine_is_text = Shape(found["schema"], {}).kinds == {"string"}  # as is everything in a path or query
        if not mine_is_text:
            yield from _kinds(where, Shape(found["schema"], {}), Shape(wanted["schema"], {}))


def _request(where, mine, wanted):
    if mine is None:
        yield f"{where} is missing"
        return
    members, required = mine.members, mine.required
    for name, other in wanted.members.items():
        found = members.get(name)
        if found is None:
            yield f"{where} {name} is missing"
            continue
        if (name in required) != (name in wanted.required):
            yield f"{where} {name} is {'required' if name in required else 'optional'}"
        yield from _kinds(f"{where} {name}", found, other)
        if found.members:
            yield from _request(f"{where} {name}", found, other)
        if found.items and other.items:
            yield from _request(f"{where} {name}[]", found.items, other.items)


def _answers(name, mine, other):
    if _success(mine[0]) != _success(other[0]):
        yield f"{name}: status {_success(mine[0])}, not {_success(other[0])}"
        return
    wanted, found = _answer(*other), _answer(*mine)
    if wanted is None:
        return
    if found is None:
        yield f"{name}: answer is missing"
        return
    yield from _answer_members(f"{name}: answer", found, wanted)


def _answer_members(where, mine, wanted):
    if not mine.kinds:
        return
    if mine.items and wanted.items:
        yield from _answer_members(f"{where}[]", mine.items, wanted.items)
    members, required = mine.members, mine.required
    for name, other in wanted.members.items():
        found = members.get(name)
        if found is None:
            yield f"{where} {name} is missing"
            continue
        if name in wanted.required and name not in required:
            yield f"{where} {name} is not always sent"
        yield from _kinds(f"{where} {name}", found, other)
        yield from _answer_members(f"{where} {name}", found, other)


def _kinds(where, mine, wanted):
    found, expected = mine.kinds - {"null"}, wanted.kinds - {"null"}
    if found and expected and not expected <= found:
        yield f"{where} is {' or '.join(sorted(found))}, not {' or '.join(sorted(expected))}"


def _success(operation):
    return next(status for status in operation["responses"] if status < "400")


def _body(operation, whole):
    return _json(operation.get("requestBody", {}), whole)


def _answer(operation, whole):
    return _json(operation["responses"][_success(operation)], whole)


def _json(part, whole):
    content = part.get("content", {})
    return Shape(content["application/json"]["schema"], whole) if "application/json" in content else None
