import pytest

from docchat.core.hidden import hidden_characters, without_hidden
from docchat.core.leaks import secrets_in
from docchat.core.markdown import sections


@pytest.mark.parametrize(
    "hidden",
    [
        '<div style="display:none">secret</div>',
        "<div style='color: red; display : none'>secret</div>",
        "<div style={{display: 'none'}}>a <div>secret</div> b</div>",
        "<p hidden>secret</p>",
        '<p hidden="hidden">secret</p>',
        "<p hidden={true}>secret</p>",
        '<Box class="x" hidden>secret<Box/></Box>',
        '<SPAN STYLE="DISPLAY:NONE">secret</span>',
    ],
)
def test_what_no_reader_sees_is_dropped_and_counted(hidden: str) -> None:
    assert [section.text for section in sections(f"a\n\n{hidden}\n\nb")] == ["a\n\nb"]
    assert hidden_characters(f"a\n\n{hidden}\n\nb") == len(hidden)


def test_an_element_that_is_never_closed_hides_the_rest() -> None:
    assert without_hidden('a <div style="display:none">secret') == "a "


@pytest.mark.parametrize(
    "shown",
    [
        '<p title="the hidden part">text</p>',
        "<p style='display: block'>text</p>",
        "the hidden <b>text</b>",
        "<input hidden> text",
        "<p hidden={false}>text</p>",
        "<p style={{overflow: 'hidden'}}>text</p>",
        '<p style="overflow: hidden">text</p>',
        "<p onClick={() => { hidden = {a: 1} }}>text</p>",
        "use `<p hidden>` for text",
    ],
)
def test_what_a_reader_sees_is_kept(shown: str) -> None:
    assert "text" in sections(shown)[0].text


def test_comments_scripts_and_invisible_characters_are_counted() -> None:
    assert hidden_characters("plain") == 0
    assert hidden_characters("a<!-- b -->{/* c */}") == len("<!-- b -->{/* c */}")
    assert hidden_characters("<script>x</script>") == len("<script>x</script>")
    assert hidden_characters("a\u200b\U000e0041\r\nb") == 2
    assert hidden_characters("`<!-- shown -->`") == 0


@pytest.mark.timeout(30)  # 1 s on an idle machine; what is not linear takes minutes
@pytest.mark.parametrize("pattern", ["<div hidden>", "<a style='display:none' ", "<p hidden></p>"])
@pytest.mark.no_cover
def test_a_megabyte_of_one_pattern_is_read_in_seconds(pattern: str) -> None:
    body = pattern * (1_000_000 // len(pattern))
    assert hidden_characters(body) <= len(body)


# In two parts: a secret scanner that reads this file is not to be alarmed.
SECRETS = {
    "Google API key": "AIza" + "Sy0" * 11 + "ab",
    "AWS access key": "AKIA" + "ABCDEFGH23456789",
    "GitHub token": "ghp_" + "a1B2" * 9,
    "Slack token": "xoxb-" + "1234567890-" * 3,
    "Stripe key": "sk_live_" + "a1B2" * 6,
    "Anthropic or OpenAI key": "sk-ant-" + "a1B2" * 10,
    "private key": "-----BEGIN RSA " + "PRIVATE KEY-----",
}


@pytest.mark.parametrize("kind", SECRETS)
def test_text_that_looks_like_a_secret_is_found(kind: str) -> None:
    assert list(secrets_in(f"one\ntwo key={SECRETS[kind]}\nthree")) == [(2, kind)]


def test_other_text_is_no_secret() -> None:
    assert list(secrets_in("AIza ghp_short sk-proj-x BEGIN PUBLIC KEY xAKIA" + "A" * 40)) == []
