import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docchat.core.sparse import encode_document, encode_query


def score(question: str, document: str) -> float:
    query, terms = encode_query(question), encode_document(document)
    weights = dict(zip(terms.indices, terms.values, strict=True))
    pairs = zip(query.indices, query.values, strict=True)
    return sum(value * weights.get(term, 0.0) for term, value in pairs)


def test_a_document_with_the_word_scores_above_one_without() -> None:
    assert score("reducer", "A reducer returns the next state.") > 0
    assert score("reducer", "A selector reads the state.") == 0


def test_repetition_counts_less_and_less() -> None:
    one, two, three = (score("reducer", "reducer " * n + "word " * (10 - n)) for n in (1, 2, 3))
    assert 0 < three - two < two - one


def test_a_long_document_counts_less() -> None:
    assert score("reducer", "reducer " + "word " * 200) < score("reducer", "reducer word")


def test_the_weight_is_that_of_bm25() -> None:
    # 73 terms, the average, of which 2 are the word: 2 * 2.2 / (2 + 1.2)
    assert score("reducer", "reducer reducer " + "word " * 71) == pytest.approx(4.4 / 3.2)


def test_case_and_plural_do_not_matter() -> None:
    for word in ("Reducers", "REDUCER", "reducer's"):
        assert score(word, "one reducer") > 0
    assert score("queries", "a query") > 0
    assert score("classes", "a class") > 0


@pytest.mark.parametrize("word", ["class", "status", "redis", "js", "aws"])
def test_a_final_s_that_is_no_plural_stays(word: str) -> None:
    assert encode_query(word) != encode_query(word[:-1])


def test_stop_words_are_not_indexed() -> None:
    assert encode_query("How do I do this with the").indices == ()


def test_identifiers_are_found_whole() -> None:
    assert score("createStore", "call createStore(reducer)") > 0
    assert score("max_open_files", "set max_open_files to 1024") > 0


def test_terms_of_the_earlier_turn_alone_count_half() -> None:
    query = encode_query("and the store?", earlier="create a store")
    weights = dict(zip(query.indices, query.values, strict=True))
    store, create = encode_query("store").indices[0], encode_query("create").indices[0]
    assert weights == {store: 1.0, create: 0.5}


def test_term_ids_are_the_same_in_every_process() -> None:
    code = "from docchat.core.sparse import encode_query; print([*encode_query('reducer').indices])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert tuple(json.loads(out.stdout)) == encode_query("reducer").indices


@given(st.text())
def test_indices_are_ascending_unsigned_32_bit(text: str) -> None:
    for vector in (encode_document(text), encode_query(text)):
        assert list(vector.indices) == sorted(set(vector.indices))
        assert all(0 <= index < 2**32 for index in vector.indices)
        assert len(vector.values) == len(vector.indices)
        assert all(value > 0 for value in vector.values)


def test_a_lone_surrogate_is_encoded() -> None:
    assert encode_document("\ud800a") == encode_document("\ud800a")
