"""Which column of a manifest or a ledger means what.

Decides it by a table of names that is shown with the answer; a column that is needed and not recognised, or two that
may both be meant, is a question with the columns' names, and nothing is counted. `--column` answers it. Leaves what
stands in the columns to `words`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from firedoor.core.examinations.consents.words import Purpose, plain
from firedoor.core.problems import InvalidInput, Problem, nearest

MANIFEST, LEDGER = "manifest", "ledger"
_BOTH = {
    "subject": """subject subject_id subject_key data_subject data_subject_id user user_id userid uid person person_id
        customer customer_id member_id account_id profile_id individual_id contributor_id author_id author pseudonym
        subject_hash user_hash email_hash email e_mail email_address pii_principal_id pii_principal principal_id""",
    "country": "country country_code jurisdiction residence residence_country state_code territory nation",
    "source": "source origin data_source collected_from source_name channel",
    "legal_basis": "legal_basis lawful_basis basis legal_ground",
    "minor": "minor is_minor child is_child under_age underage",
    "age": "age age_years",
}
_ROLES: Mapping[str, Mapping[str, str]] = {
    MANIFEST: _BOTH | {
        "record": "record record_id rid row_id document_id doc_id sample_id item_id id file path",
        "category": "category data_category content_type kind data_type type",
    },
    LEDGER: _BOTH | {
        "purpose": "purpose purposes purpose_id purpose_name processing_purpose scope consent_purpose",
        "status": """status state consent_status consent_state consent event action event_type event_state decision
            choice value granted opt_in opted_in""",
        "at": """at time timestamp ts event_time event_at occurred_at recorded_at updated_at changed_at date datetime
            effective_at created created_at last_updated lastupdated modified_at
            changed updated modified""",
        "given_at": "given_at granted_at consented_at consent_given_at opt_in_at opted_in_at accepted_at consent_date",
        "withdrawn_at": "withdrawn_at revoked_at withdrawal_at consent_withdrawn_at withdrawn_on cancelled_at",
        "opted_out_at": "opted_out_at opt_out_at optout_at unsubscribed_at",
        "objected_at": "objected_at objection_at objected_on",
        "expires_at": "expires_at expiry expiry_date valid_until expires",
        "opt_out": "opt_out opted_out optout do_not_train objected objection withdrawn revoked",
        "guardian": "guardian guardian_consent parental_consent parent_consent guardian_approved",
        "tc_string": "tc_string tcstring tcf_string tcf consent_string iab_tc_string tcdata",
    },
}  # fmt: skip
ROLES: Mapping[str, Mapping[str, frozenset[str]]] = {
    side: {role: frozenset(names.split()) for role, names in roles.items()} for side, roles in _ROLES.items()
}
_WIDE = ("{}", "consent_{}", "{}_consent", "allow_{}", "allows_{}", "opt_in_{}", "{}_opt_in", "accepts_{}",
         "consented_{}", "{}_consented", "{}_allowed", "{}_status", "consent_to_{}", "purpose_{}")  # fmt: skip
_WIDE_AT = ("{}_at", "{}_updated_at", "{}_consent_at", "{}_timestamp", "{}_changed_at", "{}_date")


@dataclass(frozen=True, slots=True)
class Columns:
    """The recognised columns of one side, by role, as they are written there; and what has to be asked."""

    roles: Mapping[str, str]
    wide: Mapping[str, str]  # column of a wide ledger -> the purpose that it is for
    times: Mapping[str, str]  # column of a wide ledger -> the column with its time
    questions: tuple[str, ...] = ()


def given_columns(given: Iterable[str]) -> dict[str, dict[str, str]]:
    """Read `manifest.subject=user_id` (or `subject=user_id` for both). Raises InvalidInput for an unknown role."""
    found: dict[str, dict[str, str]] = {MANIFEST: {}, LEDGER: {}}
    for one in given:
        place, _, column = one.partition("=")
        side, _, role = place.rpartition(".")
        sides = [side] if side else [MANIFEST, LEDGER]
        known = {name for name in sides if role in ROLES.get(name, {})}
        if not known or not column:
            every = sorted({f"{name}.{one}" for name, roles in ROLES.items() for one in roles})
            message = f'"{one}" names no column of a manifest or ledger'
            raise InvalidInput(Problem(code="X302", message=message, field="--column", do=nearest(place, every)))
        for name in known:
            found[name][role] = column
    return found


def recognise(side: str, columns: Sequence[str], given: Mapping[str, str], wanted: Purpose) -> Columns:
    """Recognise the columns of one side. `given` wins over the table of names."""
    by_name = {plain(column): column for column in columns}
    questions = [
        f"the {side} has no column {column!r}; it has {', '.join(columns)}"
        for column in given.values() if column not in columns
    ]  # fmt: skip
    roles = {role: column for role, column in given.items() if column in columns}
    taken = {plain(column) for column in roles.values()}
    for role, names in ROLES[side].items():
        found = [column for name, column in by_name.items() if name in names and name not in taken]
        if role in roles or not found:
            continue
        if role in by_name and role not in taken:
            roles[role] = by_name[role]
        elif len(found) == 1:
            roles[role] = found[0]
        else:
            questions.append(
                f"{', '.join(sorted(found))}: which of these columns of the {side} is the {role}? "
                f"Say --column {side}.{role}=COLUMN"
            )
    wide = _wide(by_name, wanted) if side == LEDGER and "purpose" not in roles else {}
    times = {column: at for column in wide if (at := _time(plain(column), by_name, wanted))}
    if "subject" not in roles and not any("is the subject?" in one for one in questions):
        listed = ", ".join(columns) or "no columns"
        questions.append(
            f"which column of the {side} names the person? It has: {listed}. Say --column {side}.subject=COLUMN"
        )
    return Columns({r: c for r, c in roles.items() if c not in wide}, wide, times, tuple(questions))


def ledger_questions(columns: Columns, names: Sequence[str], wanted: Purpose) -> list[str]:
    """What has to be asked when a ledger's form is not clear: where purposes are, and what says yes or no."""
    roles = columns.roles
    if columns.wide or "tc_string" in roles:
        return []
    if "purpose" not in roles:
        said = (
            f"where does the ledger say what a person agreed to? It has: {', '.join(names)}. Say --column "
            f"ledger.purpose=COLUMN, or --purpose {wanted.name}=COLUMN for a table with a column for each purpose"
        )
        return [said]
    says = {"status", "given_at", "withdrawn_at", "opted_out_at", "objected_at", "opt_out"}
    if not says & roles.keys():
        said = (
            f"what says in the ledger whether a person agreed? It has: {', '.join(names)}. Say --column "
            "ledger.status=COLUMN or ledger.given_at=COLUMN"
        )
        return [said]
    return []


def _wide(by_name: Mapping[str, str], wanted: Purpose) -> dict[str, str]:
    forms = {form.format(word): word for word in wanted.words for form in _WIDE}
    return {column: forms[name] for name, column in by_name.items() if name in forms}


def _time(column: str, by_name: Mapping[str, str], wanted: Purpose) -> str | None:
    names = (form.format(word) for word in (column, *sorted(wanted.words)) for form in _WIDE_AT)
    return next((by_name[name] for name in names if name in by_name), None)
