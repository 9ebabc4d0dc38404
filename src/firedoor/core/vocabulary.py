"""The vocabulary of the law: every fact that a duty may ask about, with the question for it.

Decides which facts exist and whose they are: standing facts of the organisation,
read once from its profile, or facts of one incident. Leaves their values to
`facts`, and the consequences to the duties. A duty file may add facts that only
its own law uses (`facts:`), so that a new law is one new file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from firedoor.core.facts import FactDefinition, FactType

Scope = Literal["organisation", "incident"]
ORGANISATION: Scope = "organisation"
INCIDENT: Scope = "incident"


class LegalFact(FactDefinition):
    """A fact the law asks about. `scope` says whether it belongs to the organisation or to the incident."""

    scope: Scope = INCIDENT
    group: str = ""


def _fact(name: str, kind: FactType, ask: str, group: str, scope: Scope, *choices: str) -> LegalFact:
    return LegalFact(name=name, type=kind, ask=ask, group=group, scope=scope, choices=choices)


def _flags(group: str, scope: Scope, asks: Mapping[str, str]) -> tuple[LegalFact, ...]:
    return tuple(_fact(name, FactType.FLAG, ask, group, scope) for name, ask in asks.items())


def _instants(asks: Mapping[str, str]) -> tuple[LegalFact, ...]:
    return tuple(_fact(name, FactType.INSTANT, ask, "instants", INCIDENT) for name, ask in asks.items())


def _residents(places: Mapping[str, str]) -> tuple[LegalFact, ...]:
    return tuple(
        _fact(f"residents_{code}", FactType.COUNT, f"How many affected people live in {place}, at least and at most?", "people", INCIDENT)
        for code, place in places.items()
    )


_ORGANISATION = (
    _fact("established_in", FactType.LIST, "In which countries is the organisation established (ISO codes; US-CA for a state)?", "organisation", ORGANISATION),
    _fact("serves", FactType.LIST, "To people in which countries does it offer services, or whose behaviour does it watch?", "organisation", ORGANISATION),
    _fact("member_state", FactType.TEXT, "In which EU Member State is it supervised (ISO code)?", "organisation", ORGANISATION),
    _fact("time_zone", FactType.TEXT, "In which time zone does it answer to its authority (IANA name)?", "organisation", ORGANISATION),
)

_SECTORS = _flags("organisation", ORGANISATION, {
    "hosting_service": "Does it store content that users provide (a hosting service)?",
    "user_to_user_service": "Can users meet content of other users on its service?",
    "search_service": "Does it run a search service?",
    "covered_platform": "Is it a public service primarily for user-generated content, or one that publishes intimate images?",
    "us_communications_provider": "Is it a provider of electronic communication or remote computing services to the US public?",
    "india_intermediary": "Is it an intermediary under India's Information Technology Act?",
    "india_operations": "Does it operate services, data centres or a company in India?",
    "public_communications_provider": "Does it provide public electronic communications (telephony, internet access)?",
    "nis2_entity": "Is it an essential or important entity under NIS2?",
    "trust_service_provider": "Is it a trust service provider?",
    "financial_entity_eu": "Is it a financial entity under DORA (Art 2)?",
    "noon_rule_excluded": "Is it a credit institution, central counterparty, trading venue operator, or a NIS2 entity (2025/301 Art 5(5))?",
    "ai_provider": "Does it provide the AI system under its own name?",
    "ai_deployer": "Does it use an AI system of another under its authority?",
    "gpai_provider_systemic_risk": "Does it provide a general-purpose AI model with systemic risk?",
    "gpai_code_signatory": "Has it signed the General-Purpose AI Code of Practice?",
    "hipaa_covered_entity": "Is it a HIPAA covered entity for these data?",
    "hipaa_business_associate": "Is it a HIPAA business associate for these data?",
    "personal_health_record_vendor": "Does it run a health app or another personal health record outside HIPAA?",
    "sec_registrant": "Does it report to the SEC on Form 8-K?",
    "australia_app_entity": "Is it bound by the Australian Privacy Principles?",
    "small_processing_agent_brazil": "Is it a small-scale processing agent under ANPD Resolution 2/2022?",
})  # fmt: skip

_ROLES = _flags("roles", INCIDENT, {
    "controller": "Does the organisation decide why and how these data are processed?",
    "processor": "Does it process these data for somebody else?",
})  # fmt: skip

_BREACH = _flags("breach", INCIDENT, {
    "personal_data": "Are data about identifiable people affected?",
    "security_breach": "Did a failure of security lead to loss, alteration, disclosure or access (not merely a use the organisation decided on itself)?",
    "own_unlawful_use": "Did the organisation itself decide on a use of the data without a valid basis?",
    "disclosed_to_third_party": "Did a third party receive or acquire the data?",
    "data_acquired": "Did somebody without authority acquire the data, rather than only be able to?",
    "encrypted": "Were the data encrypted or otherwise unintelligible to whoever has them?",
    "key_compromised": "May whoever has the data also have the key?",
    "high_risk_removed": "Have later measures made the high risk to people unlikely to materialise?",
    "serious_harm_likely": "Is serious harm to any affected person likely?",
    "serious_harm_prevented": "Has remedial action prevented the likely serious harm?",
    "misuse_likely": "Is misuse of the data, or harm to people, reasonably likely?",
    "us_statutory_data": "Does it include a name with a social security, licence, account, medical, health insurance or biometric item, or login data?",
    "unsecured_health_information": "Is it individually identifiable health information that was not secured?",
    "low_probability_of_compromise": "Has a documented four-factor assessment found a low probability that the data were compromised?",
    "relevant_risk_brazil": "Can it affect people's interests, with sensitive, children's, elderly people's, financial, login, secret or large-scale data?",
    "law_enforcement_delay": "Has a law-enforcement authority asked in a recorded way to delay notice?",
    "cyber_incident_listed_india": "Is it on CERT-In's list (data breach or leak, attack on an AI system, and the like)?",
    "significant_incident_nis2": "Is it significant: severe disruption, financial loss or considerable damage to others?",
    "major_ict_incident": "Is it classified as a major ICT-related incident under DORA?",
    "material_to_investors": "Has the organisation determined that the incident is material to investors?",
    "cyber_incident": "Did it come about through the organisation's own information systems?",
    "rights_request": "Has a person asked for access, erasure or objected to training?",
    "rights_request_excessive": "Is that request manifestly unfounded or excessive?",
})  # fmt: skip

_AI = (
    *_flags("ai", ORGANISATION, {
        "high_risk_annex_iii": "Is the AI system high-risk by Annex III of the AI Act?",
        "high_risk_annex_i": "Is it high-risk as a product or safety component of Annex I?",
    }),
    *_flags("ai", INCIDENT, {
        "serious_ai_incident": "Did the AI system lead to death, serious harm, disruption of critical infrastructure or a breach of fundamental-rights law?",
        "critical_infrastructure_disrupted": "Was critical infrastructure seriously and irreversibly disrupted?",
        "weights_exfiltrated": "Was it a serious cybersecurity breach of the model, such as weights carried off?",
        "death": "Did, or may, a person have died of it?",
    }),
)  # fmt: skip

_CONTENT = _flags("content", INCIDENT, {
    "intimate_content": "Is it intimate content of a real person, real or generated?",
    "published_without_consent": "Was it made or shown without that person's consent?",
    "minor": "Is, or may, the person be under 18?",
    "apparent_child_abuse_material": "Is it apparent child sexual abuse material or exploitation?",
    "actual_knowledge": "Does a person in the organisation know of it (not only a classifier's score)?",
    "reported_elsewhere": "Has it already been reported to a foreign body such as NCMEC?",
    "uk_link": "Is there a link to the United Kingdom (users there, or a target market)?",
    "esafety_notice": "Has Australia's eSafety Commissioner given a removal notice?",
    "complaint_by_person_shown": "Does the complaint come from the person shown, or somebody for them?",
})  # fmt: skip

_REQUEST = _flags("request", INCIDENT, {
    "request_in_writing": "Is the removal request in writing?",
    "request_signed": "Is it signed, by hand or electronically?",
    "request_locates_content": "Does it identify the content well enough to find it?",
    "request_states_no_consent": "Does it say in good faith that the person shown did not agree?",
    "request_gives_contact": "Does it say how to reach the person who asks?",
    "request_declares_intimate": "Does it declare that the content is intimate image content?",
    "request_declares_standing": "Does it declare to come from the person shown, or on their behalf?",
    "request_declares_truth": "Does it declare to be made in good faith and to be true?",
})  # fmt: skip

_PEOPLE = (
    _fact("jurisdictions", FactType.LIST, "Where do affected people live (ISO codes; US-CA for a state)?", "people", INCIDENT),
    _fact("people_affected", FactType.COUNT, "How many people are affected, at least and at most?", "people", INCIDENT),
    _fact("records_affected", FactType.COUNT, "How many records are affected, at least and at most?", "people", INCIDENT),
    _fact(
        "data_categories", FactType.LIST, "Which kinds of data?", "breach", INCIDENT,
        "identifiers", "contact", "credentials", "financial", "government_id", "health", "biometric", "genetic", "sexual",
        "beliefs", "criminal", "location", "communications", "behaviour", "images", "children",
    ),
    _fact("risk_to_people", FactType.CHOICE, "How likely and how bad is the risk to people?", "breach", INCIDENT, "unlikely", "risk", "high"),
    *_residents({
        "eu": "the EU or EEA", "uk": "the United Kingdom", "us": "the United States", "us_ca": "California", "us_tx": "Texas",
        "us_ny": "New York", "us_fl": "Florida", "us_co": "Colorado", "us_wa": "Washington State", "br": "Brazil", "in": "India",
        "au": "Australia", "ca": "Canada", "jp": "Japan", "kr": "South Korea", "sg": "Singapore",
    }),
)  # fmt: skip

_TEXTS = tuple(
    _fact(name, FactType.TEXT, ask, "account", scope)
    for name, scope, ask in (
        ("incident_description", INCIDENT, "What happened?"),
        ("likely_consequences", INCIDENT, "What may it mean for the people?"),
        ("measures_taken", INCIDENT, "What has been done, and what is planned?"),
        ("reasons_for_delay", INCIDENT, "If it is late: why?"),
        ("advice_to_people", INCIDENT, "What should the affected people do?"),
        ("root_cause", INCIDENT, "What was the cause?"),
        ("contact_point", ORGANISATION, "Who answers questions (the data protection officer or another contact)?"),
        ("organisation_name", ORGANISATION, "What is the organisation called?"),
    )
)

_WHEN = _instants({
    "occurred_at": "When did it happen or begin?",
    "suspected_at": "When did somebody first have reason to suspect it?",
    "discovered_at": "On which day was it discovered, or should it have been?",
    "noticed_at": "When was it noticed, or brought to notice?",
    "aware_at": "When was the organisation reasonably certain that it happened?",
    "processor_told_at": "When did the processor tell the controller?",
    "believed_at": "When were there reasonable grounds to believe that serious harm is likely?",
    "determined_at": "When was it determined that a breach occurred?",
    "determined_material_at": "When was it determined to be material to investors?",
    "classified_at": "When was it classified as major?",
    "known_at": "When did a person gain actual knowledge of the material?",
    "request_received_at": "When did the removal request arrive?",
    "complaint_received_at": "When did the complaint arrive?",
    "rights_request_received_at": "When did the person's request arrive?",
    "notice_received_at": "When did the authority's notice arrive?",
    "notice_due_at": "Which instant does the authority's notice set?",
    "resolved_at": "When was the incident resolved?",
})  # fmt: skip

_SEVERITY = (
    _fact("severity_context", FactType.COUNT, "ENISA: kind of data, 1 simple, 2 behavioural, 3 financial, 4 sensitive?", "severity", INCIDENT),
    *(
        _fact(f"severity_{name}", FactType.CHOICE, f"ENISA: {ask}?", "severity", INCIDENT, *choices)
        for name, ask, choices in (
            ("identification", "how easily can a person be identified", ("negligible", "limited", "significant", "maximum")),
            ("confidentiality", "loss of confidentiality", ("none", "known_recipients", "unknown_recipients")),
            ("integrity", "loss of integrity", ("none", "recoverable", "unrecoverable")),
            ("availability", "loss of availability", ("none", "temporal", "full")),
        )
    ),
    *_flags("severity", INCIDENT, {"severity_malicious": "ENISA: was it done with intent to harm?"}),
)

FACTS: Mapping[str, LegalFact] = {
    fact.name: fact
    for group in (_ORGANISATION, _SECTORS, _ROLES, _PEOPLE, _BREACH, _AI, _CONTENT, _REQUEST, _WHEN, _TEXTS, _SEVERITY)
    for fact in group
}
"""Every shared fact by name, in the order in which it is sensible to ask."""
