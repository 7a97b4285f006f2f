import pytest
from hypothesis import given
from hypothesis import strategies as st

from docchat.core.js_literals import Value, objects


def only(source: str) -> dict[str, Value]:
    (found,) = objects(source)
    return found


def test_literals_are_read_and_the_rest_is_unknown() -> None:
    source = """
    // const old = {a: 'commented'};
    const config: Config = {
      'quoted-key': "it's", b: `plain`, c: true, d: -1.5, e: [1, 'two', [false]],
      f: {g: {}} as const, h: x ? 'y' : 'z', i: 'a' + b, j: `a${b}`, k: require('./l'),
      ...spread, method() { return {m: 1}; }, shorthand, n: ({o}) => `x${o}`, /* p: 1, */
      q: 'last' };
    """
    assert only(source) == {
        "quoted-key": "it's",
        "b": "plain",
        "c": True,
        "d": -1.5,
        "e": [1.0, "two", [False]],
        "f": {"g": {}},
        "h": None,
        "i": None,
        "j": None,
        "k": None,
        "n": None,
        "q": "last",
    }


@pytest.mark.parametrize(
    "opening",
    ["module.exports = ", "export default ", "export default async function f() { return "],
)
def test_exported_and_returned_objects_are_found(opening: str) -> None:
    assert only(f"{opening}{{a: 'b'}}") == {"a": "b"}


@given(st.text(alphabet="{}[]():,'\"`$/*ab1 \n.=>", max_size=200))
def test_any_source_is_read(source: str) -> None:
    assert all(isinstance(found, dict) for found in objects(f"const a = {{{source}"))


@pytest.mark.parametrize(
    "pattern", ["{", "{a:[", "const a = {", "/* ", "'", "${", "{a: b ", "return {}"]
)
@pytest.mark.timeout(30)  # 0.3 s on an idle machine; what is not linear takes minutes
@pytest.mark.no_cover
def test_a_megabyte_of_one_pattern_is_read_in_seconds(pattern: str) -> None:
    many = pattern * (1_000_000 // len(pattern))
    for source in (many, "const a = {" + many):
        assert all(isinstance(found, dict) for found in objects(source))
