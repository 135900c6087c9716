"""The objects that stand for people and their companies: Account, Contact, Lead, User.

The custom fields are what a customer who surveys would have: one of every type the API knows, some
restricted, required, unique, read-only or hidden, with realistic lengths.
"""

from __future__ import annotations

from typing import Any

from simulators.salesforce.field import FieldShape
from simulators.salesforce.shape import ObjectShape

TAG_FIELD = "NPSToday_Tags__c"
KEY_FIELD = "NPSToday_Key__c"
TAG_LENGTH = 4099

_READ_ONLY: dict[str, Any] = {"createable": False, "updateable": False}


def text(name: str, label: str, length: int, **more: Any) -> FieldShape:
    """A line of text."""
    return FieldShape(name, label, "string", length=length, **more)


def long_text(name: str, label: str, length: int, **more: Any) -> FieldShape:
    """A text area."""
    return FieldShape(name, label, "textarea", length=length, **more)


def phone(name: str, label: str) -> FieldShape:
    """A telephone number: forty signs, whatever they are."""
    return FieldShape(name, label, "phone", length=40)


def number(name: str, label: str, digits: int, scale: int, **more: Any) -> FieldShape:
    """A number of `digits` in all, `scale` of them behind the point."""
    more.setdefault("type", "double")
    return FieldShape(name, label, precision=digits, scale=scale, **more)


def choice(name: str, label: str, *values: str, restricted: bool = False) -> FieldShape:
    """A picklist; a restricted one takes nothing else."""
    return FieldShape(name, label, "picklist", length=255, values=values, restricted=restricted)


def choices(name: str, label: str, *values: str, restricted: bool = False) -> FieldShape:
    """A multi-select picklist."""
    return FieldShape(
        name, label, "multipicklist", length=TAG_LENGTH, values=values, restricted=restricted
    )


def box(name: str, label: str) -> FieldShape:
    """A checkbox: never null."""
    return FieldShape(name, label, "boolean", nillable=False, defaulted=True, default=False)


def to(name: str, label: str, *objects: str, **more: Any) -> FieldShape:
    """A reference to a record of one of the objects."""
    more.setdefault("relationship", name.replace("__c", "__r").removesuffix("Id"))
    return FieldShape(name, label, "reference", length=18, reference_to=objects, **more)


def owner() -> FieldShape:
    """The owner every record has, filled in with the API user."""
    return to("OwnerId", "Owner ID", "User", nillable=False, defaulted=True)


def _address(part: str) -> tuple[FieldShape, ...]:
    return (
        long_text(f"{part}Street", f"{part} Street".strip(), 255),
        text(f"{part}City", f"{part} City".strip(), 40),
        text(f"{part}State", f"{part} State/Province".strip(), 80),
        text(f"{part}PostalCode", f"{part} Zip/Postal Code".strip(), 20),
        text(f"{part}Country", f"{part} Country".strip(), 80),
        FieldShape(f"{part}Address", f"{part} Address".strip(), "address", **_READ_ONLY),
    )


def _person() -> tuple[FieldShape, ...]:
    return (
        text("LastName", "Last Name", 80, nillable=False),
        text("FirstName", "First Name", 40),
        choice("Salutation", "Salutation", "Mr.", "Ms.", "Mrs.", "Dr.", "Prof.", "Mx."),
        text(
            "Name", "Full Name", 121, name_field=True, nillable=False, defaulted=True, **_READ_ONLY
        ),
        phone("Phone", "Business Phone"),
        phone("MobilePhone", "Mobile Phone"),
        FieldShape("Email", "Email", "email", length=80, id_lookup=True),
        text("Title", "Title", 128),
        choice("LeadSource", "Lead Source", "Web", "Phone Inquiry", "Partner Referral", "Other"),
        box("HasOptedOutOfEmail", "Email Opt Out"),
        FieldShape("LastActivityDate", "Last Activity", "date", **_READ_ONLY),
        long_text("Description", "Description", 32000),
        owner(),
    )


def _package() -> tuple[FieldShape, ...]:
    """What the installed package brings."""
    return (
        text(KEY_FIELD, "NPSToday key", 64, external_id=True, unique=True),
        choices(TAG_FIELD, "NPSToday tags", "NPSToday.NoSend"),
    )


def _survey() -> tuple[FieldShape, ...]:
    satisfaction = ("Very satisfied", "Satisfied", "Neutral", "Dissatisfied", "Very dissatisfied")
    channels = ("E-mail", "Phone", "Chat", "Store", "Web")
    return (
        number("NPS_Score__c", "NPS score", 2, 0),
        choice("NPS_Category__c", "NPS category", "Promoter", "Passive", "Detractor"),
        text("NPS_Comment__c", "NPS comment", 255),
        long_text("NPS_Full_Comment__c", "NPS comment, in full", 32768),
        FieldShape("Survey_Date__c", "Survey date", "date"),
        FieldShape("Survey_Answered_At__c", "Survey answered at", "datetime"),
        box("Would_Recommend__c", "Would recommend"),
        choice("Satisfaction__c", "Satisfaction", *satisfaction, restricted=True),
        choices("Contact_Channels__c", "Contact channels", *channels, restricted=True),
        FieldShape("Survey_Signature__c", "Survey signature", "url", length=255),
        FieldShape("Invoice_Email__c", "Invoice e-mail", "email", length=80),
        phone("Callback_Phone__c", "Call-back phone"),
        number("Visit_Duration__c", "Visit duration (s)", 8, 0),
        number("Basket_Value__c", "Basket value", 12, 2, type="currency"),
        number("Discount__c", "Discount", 5, 2, type="percent"),
        choice(
            "Survey_Language__c", "Survey language", "da", "de", "fr", "it", "en", restricted=True
        ),
        text("Survey_Name__c", "Survey name", 80),
        text("Contract_Number__c", "Contract number", 20, external_id=True),
        text("Survey_Label__c", "Survey label", 1300, calculated=True, **_READ_ONLY),
        text("Internal_Rating__c", "Internal rating", 20, visible=False),
    )


def account() -> ObjectShape:
    """A company."""
    fields = (
        FieldShape("MasterRecordId", "Master Record ID", "reference", length=18,
                   reference_to=("Account",), relationship="MasterRecord", **_READ_ONLY),
        text("Name", "Account Name", 255, nillable=False, name_field=True),
        choice("Type", "Account Type", "Prospect", "Customer", "Partner"),
        choice("Industry", "Industry", "Banking", "Education", "Energy", "Retail", "Technology"),
        phone("Phone", "Account Phone"),
        FieldShape("Website", "Website", "url", length=255),
        number("AnnualRevenue", "Annual Revenue", 18, 0, type="currency"),
        FieldShape("NumberOfEmployees", "Employees", "int", precision=8),
        *_address("Billing"),
        long_text("Description", "Account Description", 32000),
        text("External_Number__c", "External number", 40, external_id=True, unique=True),
        number("NPS_Average__c", "NPS average", 4, 1),
        owner(),
    )  # fmt: skip
    return ObjectShape.of("Account", "001", fields)


def contact() -> ObjectShape:
    """A person at a company: the object answers are written to."""
    fields = (
        FieldShape("MasterRecordId", "Master Record ID", "reference", length=18,
                   reference_to=("Contact",), relationship="MasterRecord", **_READ_ONLY),
        to("AccountId", "Account ID", "Account"),
        *_person(),
        *_address("Mailing"),
        phone("HomePhone", "Home Phone"),
        text("Department", "Department", 80),
        FieldShape("Birthdate", "Birthdate", "date"),
        *_package(),
        *_survey(),
    )  # fmt: skip
    return ObjectShape.of("Contact", "003", fields)


def lead() -> ObjectShape:
    """A person who is no customer yet."""
    fields = (
        *_person(),
        FieldShape("MasterRecordId", "Master Record ID", "reference", length=18,
                   reference_to=("Lead",), relationship="MasterRecord", **_READ_ONLY),
        text("Company", "Company", 255, nillable=False),
        choice("Status", "Lead Status", "Open", "Working", "Closed - Converted"),
        *_address(""),
        FieldShape(
            "IsConverted", "Converted", "boolean", default=False, defaulted=True, **_READ_ONLY
        ),
        to("ConvertedContactId", "Converted Contact ID", "Contact",
           relationship="ConvertedContact", **_READ_ONLY),
        *_package(),
        number("NPS_Score__c", "NPS score", 2, 0),
        text("Lead_Remark__c", "Lead remark", 80),
    )  # fmt: skip
    return ObjectShape.of("Lead", "00Q", fields)


def user() -> ObjectShape:
    """Somebody with a licence."""
    fields = (
        text("Username", "Username", 80, nillable=False),
        text("LastName", "Last Name", 80, nillable=False),
        text("FirstName", "First Name", 40),
        text(
            "Name", "Full Name", 121, name_field=True, nillable=False, defaulted=True, **_READ_ONLY
        ),
        FieldShape("Email", "Email", "email", length=128, nillable=False),
        box("IsActive", "Active"),
    )
    return ObjectShape.of("User", "005", fields)
