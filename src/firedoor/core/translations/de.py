"""German: the words of letters and drafts, and how dates, counts and kinds of data read."""

from __future__ import annotations

from firedoor.core.translations.translation import Translation

TRANSLATION = Translation(
    english="German",
    own="Deutsch",
    countries=["DE", "AT", "LI"],
    months=[
        "Januar",
        "Februar",
        "März",
        "April",
        "Mai",
        "Juni",
        "Juli",
        "August",
        "September",
        "Oktober",
        "November",
        "Dezember",
    ],
    instant="{day}. {month} {year}, {hour:02}:{minute:02} Uhr ({zone})",
    at_least="mindestens {low}",
    between="{low} bis {high}",
    roughly="{count}, noch nicht genau bekannt",
    risks={"unlikely": "unwahrscheinlich", "risk": "Risiko", "high": "hohes Risiko"},
    kinds={
        "identifiers": "Kennungen",
        "contact": "Kontaktdaten",
        "credentials": "Zugangsdaten",
        "financial": "Finanzdaten",
        "government_id": "Ausweisdaten",
        "health": "Gesundheitsdaten",
        "biometric": "biometrische Daten",
        "genetic": "genetische Daten",
        "sexual": "Daten zum Sexualleben",
        "beliefs": "Überzeugungen",
        "criminal": "Daten zu Straftaten",
        "location": "Standortdaten",
        "communications": "Kommunikation",
        "behaviour": "Verhaltensdaten",
        "images": "Bilder",
        "children": "Daten von Kindern",
    },
    asked={
        "request_in_writing": "Bitte stellen Sie die Meldung schriftlich.",
        "request_signed": "Bitte unterschreiben Sie die Meldung, von Hand oder elektronisch.",
        "request_locates_content": "Bitte sagen Sie, wo der Inhalt ist, etwa mit seiner Adresse oder dem Konto.",
        "request_states_no_consent": "Bitte sagen Sie, dass die gezeigte Person Ihres Wissens nicht zugestimmt hat.",
        "request_gives_contact": "Bitte sagen Sie, wie wir Sie erreichen können.",
        "request_declares_intimate": "Bitte sagen Sie, dass es ein intimes Bild ist.",
        "request_declares_standing": "Bitte sagen Sie, dass Sie die gezeigte Person sind oder für sie handeln.",
        "request_declares_truth": "Bitte sagen Sie, dass Ihre Angaben ehrlich gemeint sind und stimmen.",
        "complaint_by_person_shown": "Bitte sagen Sie, dass Sie die gezeigte Person sind oder sich für sie beschweren.",
        "esafety_notice": "Bitte schicken Sie die Anordnung der Behörde selbst.",
        "": "Bitte schicken Sie nicht den Inhalt selbst.",
    },
    notices={
        "answer-to-a-request": {
            "subject": "Ihr Antrag vom {{ facts.rights_request_received_at }}",
            "reference": "Unser Zeichen:",
            "greeting": "Guten Tag [to fill in: the name of the person],",
            "opening": "Sie haben von einem Recht an Ihren Daten Gebrauch gemacht. Hier ist unsere Antwort.",
            "done": "**Was wir getan haben.**",
            "training": "**Training von Modellen.**",
            "disagree": (
                "**Wenn Sie nicht einverstanden sind.** Sie können sich bei einer Datenschutzbehörde "
                "beschweren und vor Gericht gehen:"
            ),
        },
        "data-protection-authority": {
            "title": "Meldung einer Verletzung des Schutzes personenbezogener Daten",
            "to": "An: die zuständige Aufsichtsbehörde (Art. 55 und 56 DSGVO): [to fill in: the name of the authority]",
            "from": "Von:",
            "under": "Nach: Art. 33 Abs. 1, 3 und 4 DSGVO (Verordnung (EU) 2016/679)",
            "reference": "Unser Zeichen:",
            "kind": (
                "**Art der Meldung:** [ ] erste Meldung  [ ] weitere Meldung zum Aktenzeichen [to fill in: the "
                "reference of the first report]  [ ] vollständig  [ ] weitere Angaben folgen"
            ),
            "who": "Wer meldet",
            "organisation": "Stelle:",
            "contact": "Ansprechstelle (Datenschutzbeauftragte Person oder sonstige Anlaufstelle):",
            "role": "Verantwortlicher oder Auftragsverarbeiter:",
            "controller": "Verantwortlicher",
            "processor": "Auftragsverarbeiter",
            "when": "Zeitpunkte",
            "began": "Eingetreten oder begonnen:",
            "noticed": "Zuerst bemerkt:",
            "aware": "Bekannt geworden (hinreichend sicher):",
            "delay": "Gründe für die Verzögerung:",
            "what": "Art der Verletzung: was geschehen ist",
            "cause": "Ursache, soweit bekannt:",
            "whose": "Betroffene Personen und Daten",
            "people": "Kategorien und ungefähre Zahl der betroffenen Personen:",
            "children": "Darunter sind Kinder, oder können es sein.",
            "records": "Kategorien und ungefähre Zahl der betroffenen Datensätze:",
            "data": "Kategorien der Daten:",
            "countries": "Staaten der betroffenen Personen:",
            "consequences": "Wahrscheinliche Folgen der Verletzung",
            "risk": "Unsere Einschätzung des Risikos:",
            "measures": "Ergriffene oder vorgeschlagene Maßnahmen",
            "told": "Benachrichtigung der betroffenen Personen:",
            "others": "Andere unterrichtete Stellen",
        },
        "holding-statement": {
            "title": "Erste Erklärung für die Presse",
            "opening": "Wir untersuchen einen Vorfall mit einem unserer KI-Systeme. Heute können wir dazu sagen:",
            "done": "Bisher getan:",
            "working": "Wir arbeiten jetzt daran und sagen, was wir getan haben, wenn es getan ist.",
            "people": (
                "Zuerst denken wir an die Menschen, um deren Daten oder Bild es gehen kann. Wem wir etwas "
                "sagen müssen, dem sagen wir es selbst und nicht über die Presse."
            ),
            "open": "Wir wissen noch nicht alles. Wir raten nicht, und wir sagen mehr, sobald wir mehr wissen.",
            "press": "Fragen der Presse: [to fill in: the press office, how to reach it]",
        },
        "letter-child": {
            "title": "Zu den Daten Ihres Kindes, oder zu deinen",
            "reference": "Unser Zeichen:",
            "greeting": "Guten Tag [to fill in: the name of the person],",
            "opening": "mit Daten über dich oder Ihr Kind ist etwas schiefgegangen. Du hast nichts falsch gemacht.",
            "what": "**Was passiert ist.**",
            "meaning": "**Was das bedeuten kann.**",
            "done": "**Was wir getan haben.**",
            "advice": "**Was du tun kannst.**",
            "avoid": (
                "Bitte such die Daten oder Bilder nicht selbst. Speichere sie nicht und schick sie nicht "
                "weiter, auch nicht als Beweis. Wir und die Behörden brauchen sie nicht von dir."
            ),
            "help": "**Wer hilft.** Sprich mit jemandem, dem du vertraust. Bist du in Gefahr, ruf den Notruf an.",
            "contact": "**Wer Fragen beantwortet.**",
            "rights": (
                "Du und deine Eltern könnt uns fragen, was wir gespeichert haben, und es löschen lassen. Ihr "
                "könnt euch auch bei einer Datenschutzbehörde beschweren."
            ),
        },
        "letter": {
            "title": "Zu Ihren personenbezogenen Daten",
            "reference": "Unser Zeichen:",
            "greeting": "Guten Tag [to fill in: the name of the person],",
            "opening": (
                "wir schreiben Ihnen, weil mit Daten über Sie etwas nicht so gelaufen ist, wie es sollte. In "
                "diesem Brief geht es nur darum."
            ),
            "what": "**Was geschehen ist.**",
            "data": "**Um welche Daten es geht.**",
            "when": "**Wann.** {{ facts.occurred_at }}. Sicher wissen wir es seit dem {{ facts.aware_at }}.",
            "meaning": "**Was das für Sie bedeuten kann.**",
            "done": "**Was wir getan haben.**",
            "advice": "**Was Sie tun können.**",
            "contact": "**Wer Ihre Fragen beantwortet.**",
            "rights": (
                "Sie können von uns erfahren, was wir über Sie gespeichert haben, und verlangen, dass wir es "
                "berichtigen oder löschen. Sie können sich auch bei einer Datenschutzbehörde beschweren."
            ),
            "sorry": "Es tut uns leid.",
        },
        "removal-answer-child": {
            "subject": "Deine Meldung vom {{ facts.request_received_at }}",
            "reference": "Unser Zeichen:",
            "greeting": (
                "Hallo [to fill in: the name the person uses; if a parent, carer or helper asked, write to them],"
            ),
            "opening": (
                "du hast uns von einem Bild erzählt. Darauf ist jemand, der unter 18 ist oder sein kann. Es "
                "war richtig, dass du uns das gesagt hast. Niemand bekommt bei uns Ärger, weil er uns so etwas "
                "sagt."
            ),
            "done": "**Was wir getan haben.**",
            "places": "**Wo und wann wir es gesperrt haben.**",
            "copies": "**Kopien.**",
            "validity": "**Wie wir es geprüft haben.**",
            "told": (
                "**Wem wir es gesagt haben.** [missing: the child-protection body that was told, and its "
                "reference]. Diese Stelle kann auch mit der Polizei sprechen."
            ),
            "avoid": (
                "**Was du bitte nicht tust.** Such nicht noch einmal nach dem Bild. Öffne es nicht, speichere "
                "es nicht und schick es niemandem, auch nicht uns und auch nicht als Beweis. Du musst nichts "
                "beweisen. Wir und die Behörden arbeiten mit der Adresse und mit einem Fingerabdruck, den ein "
                "Computer davon berechnet."
            ),
            "young": (
                "**Wenn du unter 18 bist.** Sprich mit jemandem, dem du vertraust: mit deinen Eltern, in der "
                "Schule, mit einer Ärztin oder einem Arzt, oder ruf ein Hilfetelefon an. Wenn du jetzt in "
                "Gefahr bist, ruf den Notruf an."
            ),
            "help": "**Wer hilft.**",
            "again": (
                "**Wenn du es wieder siehst.** Sag uns nur die Adresse, hier: [missing: the address of the "
                "form for requests]."
            ),
        },
        "removal-answer": {
            "subject": "Ihre Meldung vom {{ facts.request_received_at }}",
            "reference": "Unser Zeichen:",
            "greeting": "Guten Tag [to fill in: the name the person uses, or leave it out],",
            "opening": (
                "Sie haben uns gebeten, intime Inhalte zu entfernen, die Sie zeigen und denen Sie nicht "
                "zugestimmt haben. Darum sollen Sie nicht zweimal bitten müssen. Deshalb steht in diesem "
                "Brief, was wir getan haben."
            ),
            "asked": (
                "**Was wir noch von Ihnen brauchen.** Wir haben trotzdem schon angefangen. Damit Ihre Meldung "
                "auch für das Gesetz vollständig ist, fehlt noch:"
            ),
            "validity": "**Wie wir Ihre Meldung geprüft haben.**",
            "done": "**Was wir getan haben.**",
            "places": "**Wo und wann.**",
            "copies": "**Kopien.** Gleiche Kopien, und ähnliche, soweit Technik sie finden kann:",
            "origin": "**Woher es kam.**",
            "kept": "**Was wir behalten.**",
            "again": (
                "**Wenn Sie es wieder sehen.** Nennen Sie uns nur die Adresse, hier: [missing: the address of "
                "the form for requests]. Den Inhalt müssen Sie uns nicht schicken, und auch kein Bild zum "
                "Vergleichen. Ein Fingerabdruck, der auf Ihrem eigenen Gerät berechnet wird, genügt."
            ),
            "refused": "**Wenn wir nicht getan haben, worum Sie uns gebeten haben.**",
            "help": (
                "**Hilfe.** Sie haben nichts falsch gemacht. Der Person, die das gemacht oder verbreitet hat, "
                "müssen Sie nicht antworten."
            ),
        },
    },
)
