"""French: the words of letters and drafts, and how dates, counts and kinds of data read."""

from __future__ import annotations

from firedoor.core.translations.translation import Translation

TRANSLATION = Translation(
    english="French",
    own="français",
    countries=["FR", "MC"],
    months=[
        "janvier",
        "février",
        "mars",
        "avril",
        "mai",
        "juin",
        "juillet",
        "août",
        "septembre",
        "octobre",
        "novembre",
        "décembre",
    ],
    instant="{day} {month} {year}, {hour}\u00a0h\u00a0{minute:02} ({zone})",
    at_least="au moins {low}",
    between="de {low} à {high}",
    roughly="{count}, nombre exact pas encore connu",
    risks={"unlikely": "improbable", "risk": "risque", "high": "risque élevé"},
    kinds={
        "identifiers": "identifiants",
        "contact": "coordonnées",
        "credentials": "mots de passe et accès",
        "financial": "données financières",
        "government_id": "pièces d'identité",
        "health": "données de santé",
        "biometric": "données biométriques",
        "genetic": "données génétiques",
        "sexual": "données sur la vie sexuelle",
        "beliefs": "convictions",
        "criminal": "données pénales",
        "location": "données de localisation",
        "communications": "communications",
        "behaviour": "données de comportement",
        "images": "images",
        "children": "données d'enfants",
    },
    asked={
        "request_in_writing": "Merci de faire votre demande par écrit.",
        "request_signed": "Merci de signer votre demande, à la main ou par voie électronique.",
        "request_locates_content": "Merci de dire où se trouve le contenu, par exemple son adresse ou le compte.",
        "request_states_no_consent": "Merci de dire qu'à votre connaissance la personne montrée n'a pas consenti.",
        "request_gives_contact": "Merci de dire comment nous pouvons vous joindre.",
        "request_declares_intimate": "Merci de dire qu'il s'agit d'une image intime.",
        "request_declares_standing": "Merci de dire que vous êtes la personne montrée, ou que vous agissez pour elle.",
        "request_declares_truth": "Merci de dire que votre signalement est fait de bonne foi et qu'il est exact.",
        "complaint_by_person_shown": "Merci de dire que vous êtes la personne montrée, ou que vous agissez en son nom.",
        "esafety_notice": "Merci d'envoyer la décision de l'autorité elle-même.",
        "": "Merci de ne pas envoyer le contenu lui-même.",
    },
    tidy=((" :", "\u00a0:"),),  # a colon stands after a space at which no line ends
    notices={
        "answer-to-a-request": {
            "subject": "Votre demande du {{ facts.rights_request_received_at }}",
            "reference": "Notre référence :",
            "greeting": "Bonjour [to fill in: the name of the person],",
            "opening": "vous avez exercé un droit sur vos données. Voici notre réponse.",
            "done": "**Ce que nous avons fait.**",
            "training": "**Entraînement de modèles.**",
            "disagree": (
                "**Si vous n'êtes pas d'accord.** Vous pouvez vous plaindre auprès d'une autorité de "
                "protection des données et saisir la justice :"
            ),
        },
        "data-protection-authority": {
            "title": "Notification d'une violation de données à caractère personnel",
            "to": (
                "À : l'autorité de contrôle compétente (articles 55 et 56 du RGPD) : [to fill in: the name of "
                "the authority]"
            ),
            "from": "De :",
            "under": "En application de : article 33, paragraphes 1, 3 et 4, du RGPD (règlement (UE) 2016/679)",
            "reference": "Notre référence :",
            "kind": (
                "**Type de notification :** [ ] initiale  [ ] complémentaire au dossier [to fill in: the "
                "reference of the first report]  [ ] complète  [ ] d'autres informations suivront"
            ),
            "who": "Qui notifie",
            "organisation": "Organisme :",
            "contact": "Point de contact (délégué à la protection des données ou autre) :",
            "role": "Responsable du traitement ou sous-traitant :",
            "controller": "responsable du traitement",
            "processor": "sous-traitant",
            "when": "Dates et heures",
            "began": "Survenue ou début :",
            "noticed": "Premier constat :",
            "aware": "Prise de connaissance (certitude raisonnable) :",
            "delay": "Motifs du retard :",
            "what": "Nature de la violation : ce qui s'est passé",
            "cause": "Cause, pour autant qu'elle soit connue :",
            "whose": "Personnes et données concernées",
            "people": "Catégories et nombre approximatif de personnes concernées :",
            "children": "Des enfants sont, ou sont peut-être, parmi elles.",
            "records": "Catégories et nombre approximatif d'enregistrements concernés :",
            "data": "Catégories de données :",
            "countries": "Pays des personnes :",
            "consequences": "Conséquences probables de la violation",
            "risk": "Notre appréciation du risque :",
            "measures": "Mesures prises ou envisagées",
            "told": "Information des personnes concernées :",
            "others": "Autres organismes informés",
        },
        "holding-statement": {
            "title": "Première déclaration à la presse",
            "opening": (
                "Nous examinons un incident qui touche l'un de nos systèmes d'IA. Voici ce que nous pouvons "
                "dire aujourd'hui :"
            ),
            "done": "Ce qui a été fait jusqu'ici :",
            "working": (
                "Nous y travaillons en ce moment, et nous dirons ce que nous avons fait une fois que ce sera fait."
            ),
            "people": (
                "Nous pensons d'abord aux personnes dont les données ou l'image peuvent être en cause. Celles "
                "que nous devons informer, nous les informons nous-mêmes, et non par la presse."
            ),
            "open": (
                "Nous ne savons pas encore tout. Nous ne ferons pas de suppositions, et nous en dirons plus "
                "quand nous en saurons plus."
            ),
            "press": "Questions de la presse : [to fill in: the press office, how to reach it]",
        },
        "letter-child": {
            "title": "Les données de votre enfant, ou les tiennes",
            "reference": "Notre référence :",
            "greeting": "Bonjour [to fill in: the name of the person],",
            "opening": (
                "quelque chose n'a pas marché comme il faut avec des données sur toi, ou sur votre enfant. Tu "
                "n'as rien fait de mal."
            ),
            "what": "**Ce qui s'est passé.**",
            "meaning": "**Ce que cela peut vouloir dire.**",
            "done": "**Ce que nous avons fait.**",
            "advice": "**Ce que tu peux faire.**",
            "avoid": (
                "S'il te plaît, ne cherche pas toi-même ces données ou ces images. Ne les enregistre pas et ne "
                "les envoie à personne, même comme preuve. Ni nous ni les autorités n'en avons besoin de ta "
                "part."
            ),
            "help": (
                "**Qui peut aider.** Parle à quelqu'un en qui tu as confiance. En cas de danger, appelle le "
                "numéro d'urgence."
            ),
            "contact": "**Qui répond aux questions.**",
            "rights": (
                "Toi et tes parents pouvez nous demander ce que nous gardons, et le faire effacer. Vous pouvez "
                "aussi vous adresser à une autorité de protection des données."
            ),
        },
        "letter": {
            "title": "À propos de vos données personnelles",
            "reference": "Notre référence :",
            "greeting": "Bonjour [to fill in: the name of the person],",
            "opening": (
                "nous vous écrivons parce qu'un incident a touché des données qui vous concernent. Cette "
                "lettre ne parle de rien d'autre."
            ),
            "what": "**Ce qui s'est passé.**",
            "data": "**Les données en cause.**",
            "when": "**Quand.** {{ facts.occurred_at }}. Nous en avons la certitude depuis le {{ facts.aware_at }}.",
            "meaning": "**Ce que cela peut entraîner pour vous.**",
            "done": "**Ce que nous avons fait.**",
            "advice": "**Ce que vous pouvez faire.**",
            "contact": "**Qui répond à vos questions.**",
            "rights": (
                "Vous pouvez nous demander ce que nous conservons sur vous, et le faire corriger ou effacer. "
                "Vous pouvez aussi vous adresser à une autorité de protection des données."
            ),
            "sorry": "Nous le regrettons.",
        },
        "removal-answer-child": {
            "subject": "Ce que tu nous as signalé le {{ facts.request_received_at }}",
            "reference": "Notre référence :",
            "greeting": (
                "Bonjour [to fill in: the name the person uses; if a parent, carer or helper asked, write to them],"
            ),
            "opening": (
                "Tu nous as parlé d'une image où l'on voit quelqu'un qui a, ou qui a peut-être, moins de 18 "
                "ans. Tu as bien fait. Personne n'aura d'ennuis avec nous pour nous en avoir parlé."
            ),
            "done": "**Ce que nous avons fait.**",
            "places": "**Où et quand l'image a été bloquée.**",
            "copies": "**Les copies.**",
            "validity": "**Comment nous avons vérifié.**",
            "told": (
                "**Qui a été prévenu.** [missing: the child-protection body that was told, and its reference]. "
                "Cet organisme peut parler à la police."
            ),
            "avoid": (
                "**Ce qu'il ne faut pas faire.** S'il te plaît, ne cherche pas l'image de nouveau. Ne l'ouvre "
                "pas, ne l'enregistre pas et ne l'envoie à personne, même pas à nous, même comme preuve. Tu "
                "n'as rien à prouver. Les autorités et nous, nous travaillons avec son adresse et avec une "
                "empreinte calculée par un ordinateur."
            ),
            "young": (
                "**Si tu as moins de 18 ans.** Parle à quelqu'un en qui tu as confiance : un parent, quelqu'un "
                "de l'école, un médecin, une ligne d'écoute. Si tu es en danger maintenant, appelle le numéro "
                "d'urgence."
            ),
            "help": "**Qui peut t'aider.**",
            "again": (
                "**Si tu la revois.** Donne-nous seulement l'adresse, ici : [missing: the address of the form "
                "for requests]."
            ),
        },
        "removal-answer": {
            "subject": "Votre demande du {{ facts.request_received_at }}",
            "reference": "Notre référence :",
            "greeting": "Bonjour [to fill in: the name the person uses, or leave it out],",
            "opening": (
                "Vous nous avez demandé de retirer un contenu intime qui vous montre et auquel vous n'avez pas "
                "consenti. Vous ne devriez pas avoir à le demander deux fois : cette lettre dit ce que nous "
                "avons fait."
            ),
            "asked": (
                "**Ce qu'il nous faut encore.** Nous avons déjà commencé. Pour que votre demande soit complète "
                "aux yeux de la loi, il manque :"
            ),
            "validity": "**Comment nous avons vérifié votre demande.**",
            "done": "**Ce que nous avons fait.**",
            "places": "**Où et quand.**",
            "copies": (
                "**Les copies.** Les copies identiques, et les copies proches quand des outils peuvent les trouver :"
            ),
            "origin": "**D'où cela venait.**",
            "kept": "**Ce que nous conservons.**",
            "again": (
                "**Si vous le revoyez.** Donnez-nous seulement l'adresse, ici : [missing: the address of the "
                "form for requests]. Vous n'avez pas à envoyer le contenu, ni une image pour comparer : une "
                "empreinte calculée sur votre propre appareil suffit."
            ),
            "refused": "**Si nous n'avons pas fait ce que vous demandiez.**",
            "help": (
                "**De l'aide.** Vous n'avez rien fait de mal. Vous n'avez pas à répondre à la personne qui a "
                "créé ou diffusé ce contenu."
            ),
        },
    },
)
