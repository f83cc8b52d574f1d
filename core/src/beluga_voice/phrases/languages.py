"""The built-in tables of phrases, one for each language."""

from __future__ import annotations

from collections.abc import Mapping

from beluga_voice.phrases.table import Phrases, split

ENGLISH = Phrases(
    stop=split(
        """
        stop, wait, no, nope, no more, hold on, hold up, hold it, hang on, pause, cancel that, cancel this,
        enough, thats enough, that is enough, thatll do, quiet, be quiet, keep quiet, silence, hush, shush,
        shut up, shut it, shut your mouth, one moment, one second, one sec, one minute, just a moment, just
        a second, just a sec, just a minute, give me a moment, give me a second, give me a minute, let me
        stop you, let me interrupt, let me speak, let me talk, let me finish, excuse me, never mind,
        nevermind, not now, forget it, skip it, skip this, skip that, knock it off, cut it out
        """
    ),
    backchannels=split(
        """
        yeah, yes, yep, yup, ya, yah, yea, yeh, right, sure, sure thing, alright, all right, fine, good,
        great, nice, cool, wow, exactly, absolutely, definitely, indeed, totally, really, true, correct,
        perfect, interesting, i see, i know, i understand, i get it, i got it, got it, gotcha, get it, of
        course, makes sense, that makes sense, thats right, thats it, thats true, thats good, thats great,
        thats fine, thats nice, sounds good, very good, very nice, oh no, oh my, oh boy, oh dear, oh wow, go
        on, go ahead, keep going, carry on, no problem, no worries, no doubt, no way, no kidding, fair
        enough, good enough, no wonder, not bad, you bet, for sure
        """
    ),
    polite=split(
        """
        please, sorry, im sorry, hey, hello, hi, so, well, but, and, now, just, listen, look, thanks, thank
        you, can you, could you, would you, will you, can you just, could you just, would you mind, you can,
        i said, i want you to, id like you to, sir, maam, yo, actually
        """
    ),
    words=split(
        """
        no one, no idea, no matter, no longer, no other, no need, no clue, no such, no sooner, enough of
        the, enough people, enough time, enough money, wait times, wait time, wait list, wait lists, stop
        sign, stop signs, pause button, one second later, one minute later, one moment later
        """
    ),
)

GERMAN = Phrases(
    stop=split(
        """
        stopp, halt, halt mal, warte, wart mal, warte mal, warten sie, warten sie mal, moment, moment mal,
        einen moment, kleinen moment, augenblick, einen augenblick, sekunde, eine sekunde, minute, eine
        minute, nein, nee, nö, hör auf, hören sie auf, aufhören, genug, es reicht, das reicht, schluss,
        schluss jetzt, ruhe, sei still, sei ruhig, seien sie still, seien sie ruhig, halt den mund, halten
        sie den mund, halts maul, klappe, pause, nicht jetzt, jetzt nicht, vergiss es, vergessen sie es,
        abbrechen, abbruch, lass mich ausreden, lassen sie mich ausreden, lass mich reden, lassen sie mich
        reden, entschuldigung, entschuldigen sie, nicht mehr
        """
    ),
    backchannels=split(
        """
        ja, jaja, jo, joa, jap, jep, jawohl, genau, richtig, stimmt, das stimmt, klar, na klar, alles klar,
        ist klar, gut, sehr gut, na gut, schon gut, prima, super, toll, schön, perfekt, wunderbar, klasse,
        ach, ach so, achso, ach ja, ach was, so, aha, verstehe, ich verstehe, verstanden, hab verstanden,
        natürlich, sicher, gern, gerne, passt, das passt, in ordnung, weiß ich, ich weiß, eben, absolut,
        definitiv, auf jeden fall, interessant, wirklich, echt, wow, weiter, weiter so, mach weiter, machen
        sie weiter, nur zu, kein problem, macht nichts, keine sorge, tatsächlich, doch, freilich, ganz
        genau, da haben sie recht, da hast du recht, äh, ähm, öh, tja
        """
    ),
    polite=split(
        """
        bitte, danke, danke schön, sorry, tut mir leid, hallo, hey, hi, also, aber, und, jetzt, nun, mal,
        na, du, sie, hören sie, hör mal, kannst du, kannst du mal, können sie, können sie mal, könntest du,
        könnten sie, würdest du, würden sie, ich sagte, ich habe gesagt, ich will dass sie, ich möchte dass
        sie
        """
    ),
    words=split(
        """
        genug zeit, genug geld, genug leute, genug davon, halt die, halt so, moment später, eine minute
        später, eine sekunde später, einen moment später, klappe zu, nicht mehr als, nicht mehr so, pause
        machen wir, doch nicht, weiter hinten, weiter vorne, weiter unten, weiter oben
        """
    ),
)

FRENCH = Phrases(
    stop=split(
        """
        arrête, arrêtez, arrêter, arrête ça, arrêtez ça, arrête-toi, arrêtez-vous, attends, attendez,
        attends un peu, attendez un peu, non, nan, pause, tais-toi, taisez-vous, silence, chut, ça suffit,
        assez, c'est assez, halte, un instant, une seconde, une minute, un moment, minute, deux secondes,
        deux minutes, laisse-moi parler, laissez-moi parler, laisse-moi finir, laissez-moi finir,
        excuse-moi, excusez-moi, pardon, pas maintenant, laisse tomber, laissez tomber, oublie, oubliez,
        oublie ça, oubliez ça, annule, annulez, annuler
        """
    ),
    backchannels=split(
        """
        oui, ouais, ouaip, mouais, si, d'accord, bien, très bien, bien sûr, exactement, exact, tout à fait,
        absolument, voilà, c'est ça, c'est vrai, c'est bien, c'est bon, c'est clair, c'est sûr, je vois, je
        comprends, je sais, compris, j'ai compris, entendu, parfait, super, génial, cool, bon, très bon, ah
        bon, ah oui, ah ouais, effectivement, en effet, certes, vraiment, intéressant, pas de problème, pas
        de souci, aucun problème, aucun souci, ça marche, ça va, ça roule, vas-y, allez-y, continue,
        continuez, ben oui, bah oui, mais oui, évidemment, certainement, sûr, volontiers, naturellement,
        hein, euh, heu, ben, bah, tiens, incroyable, sérieux, oh là là
        """
    ),
    polite=split(
        """
        s'il te plaît, s'il vous plaît, merci, désolé, désolée, je suis désolé, je suis désolée, bonjour,
        salut, allô, alors, mais, et, maintenant, juste, écoute, écoutez, dis, dites, hé, eh, tu peux, vous
        pouvez, peux-tu, pouvez-vous, pourrais-tu, pourriez-vous, est-ce que tu peux, est-ce que vous
        pouvez, j'ai dit, monsieur, madame
        """
    ),
    words=split(
        """
        non plus, assez de, assez bien, assez souvent, assez bon, assez cher, un moment plus tard, une
        minute plus tard, une seconde plus tard, un instant plus tard, bon marché, bien que
        """
    ),
)

SPANISH = Phrases(
    stop=split(
        """
        para, para ya, parar, pare, pare ya, paren, alto, basta, basta ya, ya basta, espera, espere,
        esperen, espérate, espérese, espera un momento, espere un momento, no, nop, no más, momento, un
        momento, un momentito, un segundo, un segundito, un minuto, un instante, cállate, cállese, calla,
        silencio, pausa, suficiente, es suficiente, déjame hablar, déjeme hablar, déjame terminar, déjeme
        terminar, perdón, perdona, perdone, disculpa, disculpe, ahora no, cancela, cancele, cancelar,
        olvídalo, olvídelo, detente, deténgase, aguarda, aguarde
        """
    ),
    backchannels=split(
        """
        sí, claro, claro que sí, vale, bueno, bien, muy bien, está bien, perfecto, exacto, exactamente,
        correcto, cierto, es cierto, verdad, es verdad, de acuerdo, entiendo, ya entiendo, entendido,
        comprendo, ya veo, ya, ajá, mjm, por supuesto, desde luego, genial, estupendo, fenomenal, excelente,
        interesante, ah ya, eso, eso es, así es, lo sé, ya lo sé, ya sé, sigue, siga, continúa, continúe,
        adelante, no hay problema, ningún problema, sin problema, no pasa nada, no te preocupes, no se
        preocupe, dale, órale, seguro, vaya, en serio, de verdad, qué bien, qué bueno, efectivamente,
        totalmente, absolutamente, definitivamente, naturalmente, obvio, eh, okey, no me digas
        """
    ),
    polite=split(
        """
        por favor, gracias, muchas gracias, lo siento, oye, oiga, hola, pues, pero, y, ahora, mira, mire,
        escucha, escuche, entonces, puedes, puede, podrías, podría, he dicho, dije, señor, señora, señorita
        """
    ),
    words=split(
        """
        no pares, no pare, no para, no sé, no lo sé, no tengo, no tenemos, no hay, no es, no son, no era, no
        está, no estoy, no puedo, no podemos, no quiero, no me acuerdo, no me gusta, no entiendo, no solo,
        no sólo, no obstante, no creo, para el, para la, para los, para las, para mí, para ti, para él, para
        ella, para nosotros, para ellos, para usted, para ustedes, para mis, para su, para sus, para un,
        para una, para dos, para tres, para cuatro, para cinco, para seis, para que, para eso, para esto,
        para este, para esta, para ese, para esa, para hoy, para mañana, para pasado, para cuándo, para
        dónde, para quién, para hacer, para ir, para ver, para siempre, para nada, para lunes, un momento
        después, un minuto después, un segundo después
        """
    ),
)

ITALIAN = Phrases(
    stop=split(
        """
        ferma, fermati, fermarsi, fermo, si fermi, fermatevi, alt, aspetta, aspetti, aspettate, aspetta un
        attimo, aspetti un attimo, aspetta un momento, aspetti un momento, no, nope, basta, basta così,
        smettila, smetti, la smetta, attimo, un attimo, un attimino, momento, un momento, un secondo, un
        minuto, un istante, attenda, zitto, zitta, stai zitto, stai zitta, stia zitto, stia zitta, silenzio,
        taci, pausa, lasciami parlare, mi lasci parlare, lasciami finire, mi lasci finire, fammi parlare, mi
        faccia parlare, scusa, scusi, scusami, mi scusi, non ora, non adesso, lascia stare, lasci stare,
        lascia perdere, lasci perdere, annulla, annulli, non più
        """
    ),
    backchannels=split(
        """
        sì, certo, certo che sì, certamente, va bene, va benissimo, bene, molto bene, benissimo, perfetto,
        esatto, esattamente, giusto, vero, è vero, d'accordo, capisco, ho capito, capito, chiaro, è chiaro,
        ovvio, ovviamente, naturalmente, appunto, infatti, già, lo so, eh già, ecco, ah ecco, bello, che
        bello, ottimo, fantastico, interessante, davvero, sul serio, assolutamente, senz'altro, sicuro,
        sicuramente, vai, vada, vai avanti, vada avanti, continua, continui, prego, nessun problema, non c'è
        problema, non importa, non fa niente, figurati, si figuri, come no, bravo, brava, eh, mh, ah sì, eh
        sì, beh, boh, wow, okey, dai
        """
    ),
    polite=split(
        """
        per favore, per piacere, per cortesia, grazie, grazie mille, mi dispiace, ciao, buongiorno, ehi,
        allora, ma, e, però, adesso, ora, senti, senta, ascolta, ascolti, guarda, guardi, puoi, può,
        potresti, potrebbe, ho detto, signore, signora
        """
    ),
    words=split(
        """
        no comment, basta che, un attimo fa, un momento fa, un minuto fa, un secondo fa, un attimo dopo, un
        momento dopo, un minuto dopo, un secondo dopo, non più di, non più tardi, fermo posta
        """
    ),
)

BUILT_IN: Mapping[str, Phrases] = {
    "de": GERMAN,
    "en": ENGLISH,
    "es": SPANISH,
    "fr": FRENCH,
    "it": ITALIAN,
}
"""The tables there are, by primary language subtag."""
