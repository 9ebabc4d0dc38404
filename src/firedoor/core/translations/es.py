"""Spanish: the words of letters and drafts, and how dates, counts and kinds of data read."""

from __future__ import annotations

from firedoor.core.translations.translation import Translation

TRANSLATION = Translation(
    english="Spanish",
    own="español",
    countries=[
        "ES",
        "MX",
        "AR",
        "CO",
        "CL",
        "PE",
        "UY",
        "EC",
        "GT",
        "CR",
        "PA",
        "DO",
        "BO",
        "PY",
        "SV",
        "HN",
        "NI",
        "VE",
    ],
    months=[
        "enero",
        "febrero",
        "marzo",
        "abril",
        "mayo",
        "junio",
        "julio",
        "agosto",
        "septiembre",
        "octubre",
        "noviembre",
        "diciembre",
    ],
    instant="{day} de {month} de {year}, {hour:02}:{minute:02} ({zone})",
    at_least="al menos {low}",
    between="de {low} a {high}",
    roughly="{count}, aún no se conoce con exactitud",
    risks={"unlikely": "improbable", "risk": "riesgo", "high": "riesgo alto"},
    kinds={
        "identifiers": "identificadores",
        "contact": "datos de contacto",
        "credentials": "claves de acceso",
        "financial": "datos financieros",
        "government_id": "documentos de identidad",
        "health": "datos de salud",
        "biometric": "datos biométricos",
        "genetic": "datos genéticos",
        "sexual": "datos sobre la vida sexual",
        "beliefs": "creencias",
        "criminal": "datos penales",
        "location": "datos de ubicación",
        "communications": "comunicaciones",
        "behaviour": "datos de comportamiento",
        "images": "imágenes",
        "children": "datos de menores",
    },
    asked={
        "request_in_writing": "Por favor, envíe la solicitud por escrito.",
        "request_signed": "Por favor, firme la solicitud, a mano o por medios electrónicos.",
        "request_locates_content": "Por favor, díganos dónde está el contenido, por ejemplo su dirección o la cuenta.",
        "request_states_no_consent": "Por favor, díganos que, según sabe, la persona que aparece no consintió.",
        "request_gives_contact": "Por favor, díganos cómo podemos contactar con usted.",
        "request_declares_intimate": "Por favor, díganos que se trata de una imagen íntima.",
        "request_declares_standing": "Por favor, díganos que usted es la persona que aparece, o que actúa por ella.",
        "request_declares_truth": "Por favor, díganos que su aviso es de buena fe y que es cierto.",
        "complaint_by_person_shown": "Por favor, díganos que usted es la persona que aparece, o que reclama por ella.",
        "esafety_notice": "Por favor, envíe el propio requerimiento de la autoridad.",
        "": "Por favor, no envíe el contenido.",
    },
    notices={
        "answer-to-a-request": {
            "subject": "Su solicitud del {{ facts.rights_request_received_at }}",
            "reference": "Nuestra referencia:",
            "greeting": "Hola, [to fill in: the name of the person]:",
            "opening": "usted ejerció un derecho sobre sus datos. Esta es nuestra respuesta.",
            "done": "**Qué hemos hecho.**",
            "training": "**Entrenamiento de modelos.**",
            "disagree": (
                "**Si no está de acuerdo.** Puede reclamar ante una autoridad de protección de datos y acudir "
                "a los tribunales:"
            ),
        },
        "data-protection-authority": {
            "title": "Notificación de una violación de la seguridad de los datos personales",
            "to": (
                "A: la autoridad de control competente (artículos 55 y 56 del RGPD): [to fill in: the name of "
                "the authority]"
            ),
            "from": "De:",
            "under": "En virtud de: artículo 33, apartados 1, 3 y 4, del RGPD (Reglamento (UE) 2016/679)",
            "reference": "Nuestra referencia:",
            "kind": (
                "**Tipo de notificación:** [ ] inicial  [ ] complementaria al expediente [to fill in: the "
                "reference of the first report]  [ ] completa  [ ] seguirá más información"
            ),
            "who": "Quién notifica",
            "organisation": "Organización:",
            "contact": "Punto de contacto (delegado de protección de datos u otro):",
            "role": "Responsable o encargado del tratamiento:",
            "controller": "responsable del tratamiento",
            "processor": "encargado del tratamiento",
            "when": "Fechas y horas",
            "began": "Ocurrió o comenzó:",
            "noticed": "Se detectó por primera vez:",
            "aware": "Constancia (certeza razonable):",
            "delay": "Motivos de la dilación:",
            "what": "Naturaleza de la violación: qué ha pasado",
            "cause": "Causa, en lo que se conoce:",
            "whose": "Personas y datos afectados",
            "people": "Categorías y número aproximado de personas afectadas:",
            "children": "Entre ellas hay menores, o puede haberlos.",
            "records": "Categorías y número aproximado de registros afectados:",
            "data": "Categorías de datos:",
            "countries": "Países de las personas:",
            "consequences": "Posibles consecuencias de la violación",
            "risk": "Nuestra valoración del riesgo:",
            "measures": "Medidas adoptadas o propuestas",
            "told": "Comunicación a las personas afectadas:",
            "others": "Otros organismos informados",
        },
        "holding-statement": {
            "title": "Primera declaración para la prensa",
            "opening": (
                "Estamos examinando un incidente con uno de nuestros sistemas de IA. Hoy podemos decir lo siguiente:"
            ),
            "done": "Lo que se ha hecho hasta ahora:",
            "working": "Estamos trabajando en ello y diremos qué hemos hecho cuando esté hecho.",
            "people": (
                "Pensamos primero en las personas cuyos datos o cuya imagen pueden estar en juego. A quien "
                "debamos informar, le informamos nosotros, y no a través de la prensa."
            ),
            "open": "Todavía no lo sabemos todo. No vamos a suponer nada, y diremos más cuando sepamos más.",
            "press": "Preguntas de la prensa: [to fill in: the press office, how to reach it]",
        },
        "letter-child": {
            "title": "Sobre los datos de su hijo o hija, o los tuyos",
            "reference": "Nuestra referencia:",
            "greeting": "Hola, [to fill in: the name of the person]:",
            "opening": "algo ha salido mal con datos sobre ti, o sobre su hijo o hija. Tú no has hecho nada malo.",
            "what": "**Qué ha pasado.**",
            "meaning": "**Qué puede significar.**",
            "done": "**Qué hemos hecho.**",
            "advice": "**Qué puedes hacer.**",
            "avoid": (
                "Por favor, no busques tú esos datos ni esas imágenes. No los guardes ni se los mandes a "
                "nadie, tampoco como prueba. Ni nosotros ni las autoridades los necesitamos de ti."
            ),
            "help": "**Quién ayuda.** Habla con alguien de confianza. Si hay peligro, llama al número de emergencias.",
            "contact": "**Quién responde a las preguntas.**",
            "rights": (
                "Tú y tus padres podéis preguntarnos qué guardamos y pedir que lo borremos. También podéis "
                "dirigiros a una autoridad de protección de datos."
            ),
        },
        "letter": {
            "title": "Sobre sus datos personales",
            "reference": "Nuestra referencia:",
            "greeting": "Hola, [to fill in: the name of the person]:",
            "opening": (
                "le escribimos porque un incidente ha afectado a datos sobre usted. Esta carta no trata de nada más."
            ),
            "what": "**Qué ha pasado.**",
            "data": "**De qué datos se trata.**",
            "when": "**Cuándo.** {{ facts.occurred_at }}. Lo sabemos con certeza desde el {{ facts.aware_at }}.",
            "meaning": "**Qué puede suponer para usted.**",
            "done": "**Qué hemos hecho.**",
            "advice": "**Qué puede hacer usted.**",
            "contact": "**Quién responde a sus preguntas.**",
            "rights": (
                "Puede preguntarnos qué guardamos sobre usted y pedir que lo corrijamos o lo borremos. También "
                "puede dirigirse a una autoridad de protección de datos."
            ),
            "sorry": "Lo sentimos.",
        },
        "removal-answer-child": {
            "subject": "Lo que nos contaste el {{ facts.request_received_at }}",
            "reference": "Nuestra referencia:",
            "greeting": (
                "Hola, [to fill in: the name the person uses; if a parent, carer or helper asked, write to them]:"
            ),
            "opening": (
                "Nos hablaste de una imagen en la que aparece alguien que tiene, o puede tener, menos de 18 "
                "años. Hiciste bien. Nadie va a tener problemas con nosotros por habérnoslo contado."
            ),
            "done": "**Qué hemos hecho.**",
            "places": "**Dónde y cuándo la bloqueamos.**",
            "copies": "**Copias.**",
            "validity": "**Cómo lo comprobamos.**",
            "told": (
                "**A quién se lo hemos dicho.** [missing: the child-protection body that was told, and its "
                "reference]. Ese organismo puede hablar con la policía."
            ),
            "avoid": (
                "**Qué no debes hacer.** Por favor, no vuelvas a buscar la imagen. No la abras, no la guardes "
                "y no se la mandes a nadie, tampoco a nosotros ni como prueba. No tienes que demostrar nada. "
                "Las autoridades y nosotros trabajamos con su dirección y con una huella que calcula un "
                "ordenador."
            ),
            "young": (
                "**Si tienes menos de 18 años.** Habla con alguien de confianza: tu madre, tu padre, alguien "
                "del colegio, un médico, una línea de ayuda. Si estás en peligro ahora, llama al número de "
                "emergencias."
            ),
            "help": "**Quién te ayuda.**",
            "again": (
                "**Si la vuelves a ver.** Dinos solo la dirección, aquí: [missing: the address of the form for "
                "requests]."
            ),
        },
        "removal-answer": {
            "subject": "Su solicitud del {{ facts.request_received_at }}",
            "reference": "Nuestra referencia:",
            "greeting": "Hola, [to fill in: the name the person uses, or leave it out]:",
            "opening": (
                "Nos pidió que retiráramos un contenido íntimo en el que aparece usted y que usted no había "
                "consentido. No debería tener que pedirlo dos veces; por eso esta carta dice qué hemos hecho."
            ),
            "asked": (
                "**Qué necesitamos todavía de usted.** Ya hemos empezado de todos modos. Para que su solicitud "
                "esté completa ante la ley, falta lo siguiente:"
            ),
            "validity": "**Cómo hemos comprobado su solicitud.**",
            "done": "**Qué hemos hecho.**",
            "places": "**Dónde y cuándo.**",
            "copies": "**Copias.** Las copias idénticas, y las parecidas cuando las herramientas pueden encontrarlas:",
            "origin": "**De dónde salió.**",
            "kept": "**Qué conservamos.**",
            "again": (
                "**Si lo vuelve a ver.** Díganos solo la dirección, aquí: [missing: the address of the form "
                "for requests]. No tiene que enviar el contenido, ni una imagen para comparar: basta con una "
                "huella calculada en su propio dispositivo."
            ),
            "refused": "**Si no hemos hecho lo que pidió.**",
            "help": (
                "**Ayuda.** Usted no ha hecho nada malo. No tiene que responder a la persona que lo hizo o lo difundió."
            ),
        },
    },
)
