from __future__ import annotations

from unicodedata import combining, normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beluga_voice.phrases import BUILT_IN, ENGLISH, INTERNATIONAL, PhraseClassifier, Phrases
from beluga_voice.testing import check_classifier
from beluga_voice.words import Interruption

CLASSIFIER = PhraseClassifier()

STOP = """
    stop; Stop!; STOP.; stop stop stop; please stop; stop please; okay stop; Okay, stop.; uh-huh yeah
    stop; wait; wait a minute; wait, wait; Wait for me; no; No.; no no no; nooooo; no, I meant Tuesday;
    nope; hold on; hold on a second; hang on; but wait; oh no wait; yes, but no; excuse me; can you
    stop; could you please stop; well no; one moment please; just a second; that's enough; that’s
    enough; thats enough; shut up; be quiet; never mind; not now; cancel that; sorry, stop; i know, but
    wait; stop at the next exit; no more; no thank you
"""
BACKCHANNEL = """
    mhm; Mhm.; mm-hmm; mm hmm; Mm-hm; hmm; hmmmm; hm; mmm; m hm; um hum; um-hum; uh-huh; uh huh; uhhuh;
    huh; aha; a-ha; ah; oh; um; yeah; yeah yeah; Yeah, yeah, yeah.; yeahhh; yes; yep; yup; okay; ok; OK;
    okaaay; right; sure; uh huh yeah okay; oh okay; oh yeah; I see; oh, I see.; got it; all right; no
    problem; No worries!; no way; of course; that's right; i know; oh no; yes that's it; makes sense; go
    on; exactly
"""
WORDS = """
    the bus stop is near; don't stop; do not stop; please don't stop; know; i know that; no one; no
    idea; there is no stop; please; thank you; okay thank you; okay bye; yeah what about tuesday; yes
    please; stopwatch; nobody; waiter; wait times are long; sorry; hey; hello; no one told me to stop;
    problem; two; uh two; 42; no problem but i want the other one; right now; stopping; a moment ago; i
    want to stop at the station; well; 停止
"""
LANGUAGES = {
    "de": (
        """
        stopp; Halt!; halt mal; Warte; Warten Sie bitte; warten Sie mal kurz; Moment; Einen Moment, bitte;
        Nein; Nein, ich meinte Dienstag; nein danke; Bitte hör auf; Hören Sie auf; Könnten Sie bitte
        aufhören; genug; das reicht jetzt; Schluss!; sei still; ja, aber warten Sie; okay stopp;
        Entschuldigung, ich habe eine Frage; Lassen Sie mich ausreden; vergiss es; jetzt nicht; neeein
        """,
        """
        ja; Ja, ja; Jaja ja; jo; genau; Genau, ja; richtig; stimmt; Das stimmt.; klar; alles klar; na klar;
        ach so; Achso, okay; verstehe; Ich verstehe.; natürlich; Natürlich, gern; gut; sehr gut; in Ordnung;
        kein Problem; weiß ich; mhm; aha; ähm; hm, ja; prima; weiter; doch; schön, schön
        """,
        """
        ja aber ich wollte; nicht aufhören; bitte nicht stoppen; die Haltestelle; keine Ahnung; kein
        Interesse; bitte; danke; danke schön; gut wäre Dienstag; ja bitte; genug Zeit habe ich; gestern; und
        dann; am Dienstag; zwei; der Moment war gut; Stoppuhr; weiter hinten
        """,
    ),
    "fr": (
        """
        arrête; Arrêtez !; arretez; arrête-toi; attends; Attendez, s'il vous plaît; Non; Non, je voulais
        dire mardi; non merci; s'il te plaît arrête; Est-ce que vous pouvez arrêter ?; Un instant; une
        seconde; Ça suffit; ca suffit; tais-toi; taisez-vous; oui mais attendez; d'accord, stop;
        Excusez-moi; excusez-moi, j'ai une question; pas maintenant; laissez-moi finir; laisse tomber;
        Pardon; pause; nooon
        """,
        """
        oui; Oui, oui; ouais; d'accord; D’accord.; ah d'accord; bien sûr; Bien sur; très bien; exactement;
        tout à fait; c'est ça; C’est vrai; je vois; je comprends; compris; entendu; voilà; parfait; ah bon;
        ah oui; pas de problème; pas de souci; ça marche; vas-y; continuez; euh; euh oui; mhm; ok super
        """,
        """
        oui mais je voulais; ne t'arrête pas; n'arrêtez pas; non plus; l'arrêt de bus; merci; bonjour; s'il
        vous plaît; oui s'il vous plaît; mardi; et ensuite; deux; bien entendu que je viens; assez de temps;
        je ne sais pas; ouistiti
        """,
    ),
    "es": (
        """
        para; ¡Para!; pare; Pare, por favor; Espera; espere un momento; No; No, quería decir el martes; no
        gracias; basta; ¡Basta ya!; alto; Un momento; un segundo, por favor; cállate; callate; sí, pero
        espere; vale, para; perdón; Perdone, tengo una pregunta; déjeme hablar; ahora no; olvídalo; detente;
        puedes parar?; stop; noooo
        """,
        """
        sí; si; Sí, sí; claro; Claro que sí; vale; Vale, vale; bueno; muy bien; está bien; esta bien;
        perfecto; exacto; de acuerdo; entiendo; entendido; ya; ya veo; ajá; por supuesto; así es; lo sé;
        sigue; adelante; no hay problema; no pasa nada; ah, sí; mhm; okay, claro; no me digas
        """,
        """
        sí pero yo quería; no sé; no tengo tiempo; no es eso; no pares; para el martes; para mañana; para
        dos personas; la parada del autobús; gracias; hola; por favor; sí por favor; el martes; y después;
        dos; claro como el agua; parada; nosotros
        """,
    ),
    "it": (
        """
        fermati; Si fermi!; aspetta; Aspetti, per favore; aspetti un attimo; No; No, volevo dire martedì; no
        grazie; basta; Basta così; basta cosi; Un momento; un attimo; un secondo, per favore; zitto; stia
        zitto; sì, ma aspetti; okay, basta; scusi; Scusi, ho una domanda; mi lasci parlare; non ora; lascia
        perdere; può fermarsi?; stop; nooo
        """,
        """
        sì; si; Sì, sì; certo; Certo che sì; va bene; Va bene, va bene; bene; molto bene; benissimo;
        perfetto; esatto; d'accordo; D’accordo.; capisco; ho capito; giusto; è vero; e vero; infatti; già;
        lo so; ecco; davvero; continui; vada avanti; prego; nessun problema; non c'è problema; mhm; ah sì;
        okay, certo
        """,
        """
        sì ma volevo; non fermarti; non si fermi; non lo so; la fermata del bus; grazie; ciao; per favore;
        sì per favore; martedì; e poi; due; basta che sia martedì; un momento fa; giusto ieri; nove; sindaco
        """,
    ),
}
NONE = ["", " ", "\n", "...", "?!", "-", "'", "_", "\N{GRINNING FACE}", "\u200b"]


async def test_keeps_the_contract_of_a_classifier() -> None:
    await check_classifier(PhraseClassifier)


def table(text: str) -> list[str]:
    """Split a table at its semicolons."""
    return [" ".join(phrase.split()) for phrase in text.split(";")]


@pytest.mark.parametrize("text", table(STOP))
def test_asks_to_stop(text: str) -> None:
    assert CLASSIFIER.classify(text, "en") is Interruption.STOP


@pytest.mark.parametrize("text", table(BACKCHANNEL))
def test_is_a_backchannel(text: str) -> None:
    assert CLASSIFIER.classify(text, "en") is Interruption.BACKCHANNEL


@pytest.mark.parametrize("text", table(WORDS))
def test_is_words(text: str) -> None:
    assert CLASSIFIER.classify(text, "en") is Interruption.WORDS


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_is_judged_in_each_language(language: str, place: int) -> None:
    kinds = (Interruption.STOP, Interruption.BACKCHANNEL, Interruption.WORDS)
    texts = table(LANGUAGES[language][place])
    wrong = {
        text: kind for text in texts if (kind := CLASSIFIER.classify(text, language)) is not kinds[place]
    }
    assert not wrong


def test_every_language_that_is_built_in_is_in_these_tables() -> None:
    assert set(BUILT_IN) == {"en", *LANGUAGES}


@pytest.mark.parametrize("text", NONE)
def test_holds_no_words(text: str) -> None:
    assert CLASSIFIER.classify(text, "en") is Interruption.NONE


@pytest.mark.parametrize("language", ["en", "EN", "en-US", "en-gb", "en_US", "en-Latn-US"])
def test_finds_the_language_by_its_primary_subtag(language: str) -> None:
    assert CLASSIFIER.classify("hold on", language) is Interruption.STOP


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("stop", Interruption.STOP),
        ("okay, stop", Interruption.STOP),
        ("mhm okay", Interruption.BACKCHANNEL),
        ("no", Interruption.WORDS),
        ("yes", Interruption.WORDS),
        ("", Interruption.NONE),
    ],
)
@pytest.mark.parametrize("language", ["pt", "pl-PL", "xx", ""])
def test_understands_only_international_phrases_in_a_language_without_a_table(
    text: str, expected: Interruption, language: str
) -> None:
    assert CLASSIFIER.classify(text, language) is expected


def test_a_table_is_extended_by_the_users_phrases() -> None:
    classifier = PhraseClassifier({"en": ENGLISH | Phrases(stop=frozenset({"Red light!"}))})
    assert classifier.classify("red light", "en") is Interruption.STOP
    assert classifier.classify("wait", "en") is Interruption.STOP
    assert CLASSIFIER.classify("red light", "en") is Interruption.WORDS


def test_a_table_is_replaced_by_the_users() -> None:
    classifier = PhraseClassifier({"en": Phrases(backchannels=frozenset({"jolly good"}))})
    assert classifier.classify("Jolly good, mhm.", "en") is Interruption.BACKCHANNEL
    assert classifier.classify("wait", "en") is Interruption.WORDS


def test_a_language_is_added_by_the_user() -> None:
    classifier = PhraseClassifier(
        {"pt": Phrases(stop=frozenset({"pare", "não"}), polite=frozenset({"por favor"}))}
    )
    assert classifier.classify("Por favor, pare!", "pt-BR") is Interruption.STOP
    assert classifier.classify("NÃO", "pt") is Interruption.STOP
    assert classifier.classify("no carro", "pt") is Interruption.WORDS
    assert classifier.classify("wait", "en") is Interruption.STOP


@pytest.mark.parametrize("language", BUILT_IN)
def test_each_phrase_has_one_meaning(language: str) -> None:
    table = BUILT_IN[language]
    kinds = [table.stop | INTERNATIONAL.stop, table.backchannels | INTERNATIONAL.backchannels]
    kinds += [table.polite, table.words]
    assert sum(map(len, kinds)) == len(frozenset().union(*kinds))


@pytest.mark.parametrize("language", BUILT_IN)
def test_each_phrase_alone_is_what_its_table_says(language: str) -> None:
    table = BUILT_IN[language]
    expected = dict.fromkeys(table.stop, Interruption.STOP)
    expected |= dict.fromkeys(table.backchannels, Interruption.BACKCHANNEL)
    expected |= dict.fromkeys(table.polite | table.words, Interruption.WORDS)
    wrong = {text: kind for text, kind in expected.items() if CLASSIFIER.classify(text, language) is not kind}
    assert not wrong


@given(st.sampled_from(sorted(BUILT_IN)), st.data())
def test_accents_do_not_count(language: str, data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(sorted(BUILT_IN[language].stop)))
    plain = "".join(c for c in normalize("NFD", text) if not combining(c))
    assert CLASSIFIER.classify(plain, language) is Interruption.STOP
    assert CLASSIFIER.classify(normalize("NFD", text), language) is Interruption.STOP


@given(st.lists(st.sampled_from(sorted(INTERNATIONAL.backchannels)), min_size=1, max_size=8))
def test_any_row_of_backchannels_is_one(phrases: list[str]) -> None:
    assert CLASSIFIER.classify(" ".join(phrases), "en") is Interruption.BACKCHANNEL


@given(st.text(max_size=50))
def test_any_text_is_judged_alike_in_any_case(text: str) -> None:
    assert CLASSIFIER.classify(text, "en") is CLASSIFIER.classify(text.casefold(), "en")
