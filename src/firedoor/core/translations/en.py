"""English: the words of letters and drafts, and how dates, counts and kinds of data read."""

from __future__ import annotations

from firedoor.core.translations.translation import Translation

TRANSLATION = Translation(
    english="English",
    own="English",
    countries=["IE", "UK", "GB", "US", "AU", "NZ"],
    at_least="at least {low}",
    between="{low} to {high}",
    roughly="{count}, not yet known exactly",
    notices={
        # An answer to somebody who used a right under Arts 15-22 GDPR.
        "answer-to-a-request": {
            "subject": "Your request of {{ facts.rights_request_received_at }}",
            "reference": "Our reference:",
            "greeting": "Dear [to fill in: the name of the person],",
            "opening": "you used a right over data about you. This is our answer.",
            "done": "**What we did.**",
            "training": "**Training of models.**",
            "disagree": "**If you disagree.** You can complain to a data protection authority and go to court:",
        },
        # In the terms of the language versions of Art 33 GDPR.
        "data-protection-authority": {
            "title": "Notification of a personal data breach",
            "to": "To: {{ clock.authority }}",
            "from": "From:",
            "under": "Under: {{ clock.citation }}",
            "reference": "Our reference:",
            "kind": (
                "**Kind of report:** [ ] first report  [ ] further report to reference [to fill in: the "
                "reference of the first report]  [ ] complete  [ ] more follows"
            ),
            "who": "Who reports",
            "organisation": "Organisation:",
            "contact": "Contact for questions (data protection officer or other contact):",
            "role": "Controller or processor:",
            "controller": "controller",
            "processor": "processor",
            "when": "When",
            "began": "Happened or began:",
            "noticed": "Noticed first:",
            "aware": "Reasonably certain (aware):",
            "delay": "Reasons for the delay:",
            "what": "What happened",
            "cause": "Cause, as far as it is known:",
            "whose": "Whose data, which data",
            "people": "Categories and approximate number of people:",
            "children": "Children are, or may be, among them.",
            "records": "Categories and approximate number of records:",
            "data": "Kinds of data:",
            "countries": "Countries of the people:",
            "consequences": "What it may mean for the people",
            "risk": "Our view of the risk:",
            "measures": "What was done and what is planned",
            "told": "Told the people:",
            "others": "Other bodies told",
        },
        "holding-statement": {
            "title": "Holding statement",
            "opening": "We are looking into an incident with one of our AI systems. This is what we can say today:",
            "done": "What has been done so far:",
            "working": "We are working on it now, and we will say what we did when it is done.",
            "people": (
                "Our first concern is the people whose data or likeness may be involved. Whoever we need to "
                "tell, we tell directly, and not through the press."
            ),
            "open": "We do not know everything yet. We will not guess, and we will say more when we know more.",
            "press": "Questions of the press: [to fill in: the press office, how to reach it]",
        },
        "letter-child": {
            "title": "About your child's personal data, or about yours",
            "reference": "Our reference:",
            "greeting": "Dear [to fill in: the name of the person],",
            "opening": "something went wrong with data about you or your child. You have done nothing wrong.",
            "what": "**What happened.**",
            "meaning": "**What it may mean.**",
            "done": "**What we have done.**",
            "advice": "**What you can do.**",
            "avoid": (
                "Please do not look for the data or the pictures yourself, and do not save or send them on, "
                "not even as proof. We and the authorities do not need it from you."
            ),
            "help": "**Who helps.** Talk to somebody you trust. In danger, call the emergency number.",
            "contact": "**Who answers your questions.**",
            "rights": (
                "You and your parents may ask us what we hold, and have it erased. You may also complain to a "
                "data protection authority."
            ),
        },
        "letter": {
            "title": "About your personal data",
            "reference": "Our reference:",
            "greeting": "Dear [to fill in: the name of the person],",
            "opening": "we write because something went wrong with data about you. This letter is about nothing else.",
            "what": "**What happened.**",
            "data": "**Which data.**",
            "when": "**When.** {{ facts.occurred_at }}. We have been certain of it since {{ facts.aware_at }}.",
            "meaning": "**What it may mean for you.**",
            "done": "**What we have done.**",
            "advice": "**What you can do.**",
            "contact": "**Who answers your questions.**",
            "rights": (
                "You may ask us what we hold about you and have it put right or erased, and you may complain "
                "to a data protection authority."
            ),
            "sorry": "We are sorry.",
        },
        # In words that a child understands. Nobody is asked to look, save or send.
        "removal-answer-child": {
            "subject": "What you told us on {{ facts.request_received_at }}",
            "reference": "Our reference:",
            "greeting": (
                "Dear [to fill in: the name the person uses; if a parent, carer or helper asked, write to them],"
            ),
            "opening": (
                "You told us about an image of somebody who is, or may be, under 18. You did the right thing. "
                "Nobody will be in trouble with us for telling us."
            ),
            "done": "**What we did.**",
            "places": "**Where and when it was blocked.**",
            "copies": "**Copies.**",
            "validity": "**How we checked it.**",
            "told": (
                "**Who was told.** [missing: the child-protection body that was told, and its reference]. It "
                "may get in touch with the police."
            ),
            "avoid": (
                "**What you should not do.** Please do not look for the image again. Do not open it, save it "
                "or send it to anybody, not even to us, and not as proof. You need not prove anything. We and "
                "the authorities work with its address, and with a fingerprint that a computer makes of it."
            ),
            "young": (
                "**If you are under 18.** Talk to somebody you trust: a parent, a teacher, a doctor, a "
                "helpline. If you are in danger now, call the emergency number."
            ),
            "help": "**Who helps.**",
            "again": (
                "**If you see it again.** Tell us only the address, here: [missing: the address of the form "
                "for requests]."
            ),
        },
        # For a frightened person: what was done, what they need not do, who helps.
        "removal-answer": {
            "subject": "Your request of {{ facts.request_received_at }}",
            "reference": "Our reference:",
            "greeting": "Dear [to fill in: the name the person uses, or leave it out],",
            "opening": (
                "You asked us to take down intimate content that shows you and that you did not agree to. You "
                "should not have to ask twice, so this letter says what we did."
            ),
            "asked": (
                "**What we need from you.** We have begun all the same. For the law your request is complete "
                "with these points:"
            ),
            "validity": "**How we checked your request.**",
            "done": "**What we did.**",
            "places": "**Where, and when.**",
            "copies": "**Copies.** Identical copies, and near copies where tools can find them:",
            "origin": "**Where it came from.**",
            "kept": "**What we keep.**",
            "again": (
                "**If you see it again.** Tell us only the address, at [missing: the address of the form for "
                "requests]. You need not send the content, nor a picture to compare: a fingerprint made on "
                "your own device is enough."
            ),
            "refused": "**If we did not do what you asked.**",
            "help": "**Help.** You did nothing wrong. You need not answer the person who made or shared it.",
        },
    },
)
