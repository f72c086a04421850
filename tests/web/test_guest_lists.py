"""Inviting many: each row of a list has an answer of its own, before it is sent and afterwards."""

import html
import io
import re

import pytest

from web import address_files
from workers import clock
from workflows import errands, guest_lists, invitations, listings, seats, subscriptions
from workflows.engine import outbox
from workflows.engine.db import db
from workflows.engine.letters import Letter
from workflows.engine.refusals import Invalid
from workflows.errands import Errand
from workflows.portions import INVITE_AND_SEAT


@pytest.fixture
def acme(cast, ines):
    return cast.organization(ines)


LOOKED_OVER = re.compile(
    r'<li><span class="u-cut u-mono"[^>]*>([^<]*)</span><span[^>]*>(?:<svg.*?</svg>)?([^<]*)'
)
ROW = re.compile(
    r'<div class="u-b u-wrap">([^<]*)</div>\s*(?:<div class="u-small u-2 u-wrap">([^<]*)</div>)?'
    r'</div>\s*<span class="u-small[^>]*>([^<]*)</span>'
)


def rows(page):
    """Each row of a list on its page: what stands there, what becomes of it, and why."""
    return [(address, word, why) for address, why, word in ROW.findall(page)]


def send(client, typed="", **more):
    data = {"addresses": typed, **more}
    return client.post("/acme/invitations/new", data=data, follow_redirects=True)


def upload(client, content, **more):
    return send(client, file=(io.BytesIO(content), "people.csv"), **more)


def newest():
    return db.session.scalar(db.select(Errand).order_by(Errand.id.desc()).limit(1))


def many(*rows):
    """A file with these rows, the last again and again: it is shown before anything is sent."""
    return "\n".join(["Email", *rows, *[rows[-1]] * guest_lists.FEW]).encode()


def begin(client):
    path = f"/acme/members/errands/{newest().id}/begin"
    return client.post(path, follow_redirects=True)


def test_a_few_that_are_typed_go_out_at_once_each_with_an_answer_of_its_own(
    client, cast, acme, ines
):
    cast.member(acme, "Priya", ines)
    cast.invitation(acme, "noor@acme.test", ines)

    page = send(
        client, "new@acme.test, priya@acme.test noor@acme.test; bad@@acme.test\nnew@acme.test"
    )

    assert rows(page.text) == [
        ("new@acme.test", "Invited", ""),
        ("priya@acme.test", "Not invited", "Already a member."),
        ("noor@acme.test", "Not invited",
         "Already invited. Not answered yet. Resend renews the time."),
        ("bad@@acme.test", "Not invited", "Not an address. It has two @ signs."),
        ("new@acme.test", "Not invited", "Listed twice. Once is enough."),
    ]  # fmt: skip
    assert "of 5 invited, 4 not" in page.text
    assert [letter.to for letter in cast.deliver()].count("new@acme.test") == 1
    left = client.get(f"{page.request.path}?outcome=refused").text
    assert len(rows(left)) == 4


def test_a_short_file_goes_out_at_once_as_what_is_typed(client, cast, acme):
    page = upload(client, b"Email,Name\na@acme.test,Ada\nb@@acme.test,Bo\n")

    assert rows(page.text) == [
        ("a@acme.test", "Invited", ""),
        ("b@@acme.test", "Not invited", "Not an address. It has two @ signs."),
    ]
    assert [letter.to for letter in cast.deliver()][-1] == "a@acme.test"


def test_a_long_file_is_shown_before_anything_is_sent(client, cast, acme):
    page = upload(client, many("a@acme.test", "b@@acme.test"))

    assert "<h1>Invite 1 Address?</h1>" in page.text
    assert ">Send Invitations</button>" in page.text
    assert rows(page.text)[:2] == [
        ("a@acme.test", "Will be invited", ""),
        ("b@@acme.test", "Will not be invited", "Not an address. It has two @ signs."),
    ]
    cannot = rows(client.get(f"{page.request.path}?outcome=cannot").text)
    assert {one[0] for one in cannot} == {"b@@acme.test"}
    assert invitations.of_organization(acme) == []

    done = begin(client)

    assert [word for _, word, _ in rows(done.text)][:2] == ["Invited", "Not invited"]
    assert [letter.to for letter in cast.deliver()][-1] == "a@acme.test"


def test_a_file_without_one_good_row_can_be_corrected_before_anything_is_sent(client, acme):
    page = upload(client, many("b@@acme.test", "ines@acme.test")).text

    assert "<h1>No Row Can Be Invited</h1>" in page
    [link] = re.findall(r'href="([^"]+)">Correct Them', page)
    assert ">b@@acme.test</textarea>" in client.get(link).text


@pytest.mark.parametrize("broken", ["ki m@acme.test", "ki;m@acme.test", "ki,m@acme.test"])
def test_a_piece_of_a_broken_row_is_never_taken_for_an_address(client, acme, broken):
    page = upload(client, f'Name|Email\nKim|"{broken}"\nLea|lea@@acme.test\n'.encode()).text
    [link] = re.findall(r'href="([^"]+)">Correct Them', page)
    typed = html.unescape(re.search(r">([^>]+)</textarea>", client.get(link).text)[1])

    answers = rows(send(client, typed).text)

    assert broken in typed
    assert {word for _, word, _ in answers} == {"Not invited"}
    assert invitations.of_organization(acme) == []


def test_a_list_with_seats_on_joining_wishes_one_for_each_and_so_does_what_is_tried_again(
    client, cast, acme
):
    page = upload(client, many("a@acme.test", "b@@acme.test"), seat="true")

    assert "on joining a seat or a place in line" in page.text
    begin(client)
    client.post(f"{page.request.path}/again")
    assert newest().deed == INVITE_AND_SEAT
    send(client, "c@acme.test", seat="true")
    send(client, "d@acme.test")

    wishes = {one.email: one.seat_wished for one in invitations.of_organization(acme)}
    assert wishes == {"a@acme.test": True, "c@acme.test": True, "d@acme.test": False}


def test_many_that_are_typed_are_shown_first_too(client, acme):
    page = send(client, many("p0@acme.test", "p1@acme.test").decode())

    assert "<h1>Invite 2 Addresses?</h1>" in page.text
    assert invitations.of_organization(acme) == []


def test_what_did_not_go_is_mended_and_nothing_is_asked_twice(client, cast, acme):
    upload(client, b"Email\na@acme.test\nb@@acme.test\na@acme.test\n")
    begin(client)

    page = client.get(f"/acme/invitations/new?mend={newest().id}").text

    assert re.search(r"<textarea[^>]*>([^<]*)<", page)[1] == "b@@acme.test"
    assert client.get("/acme/invitations/new?mend=999").status_code == 404
    again = send(client, "b@acme.test")
    assert rows(again.text) == [("b@acme.test", "Invited", "")]


def test_the_same_file_again_invites_nobody_twice(client, cast, acme, settings):
    for _ in range(2):
        settings.clock_offset += 11
        page = upload(client, b"a@acme.test\nb@acme.test\n")
        begin(client)

    assert "Already invited." in page.text
    assert [one.to for one in cast.deliver()].count("a@acme.test") == 1
    assert len(invitations.of_organization(acme)) == 2


def test_looking_the_list_over_sends_nothing(client, cast, acme):
    look = {"headers": {"HX-Request": "true"}, "data": {"addresses": "a@acme.test b@@c"}}

    fragment = client.post("/acme/invitations/look-over", **look)

    assert LOOKED_OVER.findall(fragment.text) == [
        ("b@@c", "Not an address"), ("a@acme.test", "Will be invited"),
    ]  # fmt: skip
    assert "<html" not in fragment.text
    assert invitations.of_organization(acme) == []


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("", "Type at least one address."),
        (" ,;\n ", "Type at least one address."),
        (" ".join(f"p{n}@acme.test" for n in range(10_001)), "10,001 addresses; invite at most"),
        ("a@acme.test\0", "This contains characters that cannot be shown."),
    ],
)
def test_a_list_that_cannot_be_used_says_why_and_stays(client, acme, typed, sentence):
    answer = send(client, typed)

    assert answer.status_code == 422
    assert sentence in answer.text
    assert "<title>Error: Invite Members" in answer.text
    assert typed.strip(" ,;\n\0")[:20] in answer.text
    assert invitations.of_organization(acme) == []


FILES = {
    b"Name,E-mail,Note\nKim,hana@acme.test,VIP\nLee,lee.at.acme,\n": [
        (2, "hana@acme.test"), (3, "lee.at.acme"),
    ],
    "\ufeffEmail;Name\r\nhana@acme.test;Kim\r\n".encode(): [(2, "hana@acme.test")],
    "Email\tName\nhana@acme.test\tZoë".encode("utf-16"): [(2, "hana@acme.test")],
    "Email\tName\nhana@acme.test\tZoë".encode("utf-16-le"): [(2, "hana@acme.test")],
    "Email\tName\nhana@acme.test\tZoë".encode("utf-16-be"): [(2, "hana@acme.test")],
    "Zo\xeb,hana@acme.test".encode("cp1252"): [(1, "hana@acme.test")],
    b"sep=;\r\nEmail;Name, first\r\nhana@acme.test;Kim, Hana\r\n": [(3, "hana@acme.test")],
    b"hana@acme.test\nlee@acme.test": [(1, "hana@acme.test"), (2, "lee@acme.test")],
    b"hana@acme.test, lee@acme.test\nkim@acme.test": [
        (1, "hana@acme.test"), (1, "lee@acme.test"), (2, "kim@acme.test"),
    ],
    b'"Kim, Hana <hana@acme.test>",x': [(1, "hana@acme.test")],
    b"email\nhana@acme.test": [(2, "hana@acme.test")],
    b"Who,Reach\nKim,hana@acme.test\nLee,\n,\n": [(2, "hana@acme.test"), (3, "Lee")],
    b'Email,Note\na@acme.test,"two\nlines"\nb@acme.test,x': [
        (2, "a@acme.test"), (4, "b@acme.test"),
    ],
    # A quotation mark that is never closed takes no other row with it.
    b'Name,Email\n"Kim,hana@acme.test\nLee,lee@acme.test': [
        (2, "Kim,hana@acme.test"), (3, "lee@acme.test"),
    ],
    b"Email,Name\na@acme.test; b@acme.test,Two": [(2, "a@acme.test"), (2, "b@acme.test")],
    b"": [], b"\n\n": [], b",,\n,,": [],
}  # fmt: skip


@pytest.mark.parametrize("content", FILES, ids=repr)
def test_a_file_is_read_in_the_shapes_that_office_programs_write(content):
    found = [(one.place, one.written) for one in address_files.in_file(content, "")]

    assert found == FILES[content]


def test_a_table_can_be_pasted_too():
    pasted = "Name\tE-mail\nKim\thana@acme.test\nLee\t\n"

    assert [(one.place, one.written) for one in address_files.typed(pasted, "")] == [
        (2, "hana@acme.test"), (3, "Lee"),
    ]  # fmt: skip
    assert [one.written for one in address_files.typed("email, a@b.test\nc@d.test", "")] == [
        "email", "a@b.test", "c@d.test",
    ]  # fmt: skip


def test_a_table_of_many_columns_and_many_rows_costs_no_more_than_its_cells():
    """A column is not asked of every row: 4 MB of commas and lines would keep us for hours."""
    looked = []

    class Cells(list):
        def __getitem__(self, number):
            looked.append(number)
            return super().__getitem__(number)

        def __len__(self):
            looked.append(None)
            return super().__len__()

    rows = [address_files.Row(1, Cells(["x", *[""] * 999]))]
    rows += [address_files.Row(n, Cells(["a"])) for n in range(1000)]

    with pytest.raises(Invalid, match="No column has addresses"):
        address_files._column(rows, headed=True, wish="")

    assert len(looked) < 10_000


def test_the_column_is_chosen_where_it_is_not_found(client, acme):
    table = b"Name,Private,Work\nKim,kim@home.test,kim@acme.test\nLee,lee@home.test,\n"

    asked = upload(client, table)

    assert asked.status_code == 422
    assert "Several columns have addresses." in asked.text
    assert "“Name”, “Private”, “Work”" in asked.text
    pasted = re.search(r"<textarea[^>]*>([^<]*)<", asked.text)[1]
    assert pasted.strip() == table.decode().strip()  # nothing has to be chosen or typed again
    page = send(client, pasted, column="work")
    assert rows(page.text) == [
        ("kim@acme.test", "Invited", ""),
        ("Lee lee@home.test", "Not invited", "No address. The column “Work” is empty in this row."),
    ]
    for wish in ("3", "Work"):
        found = address_files.in_file(table, wish)
        assert [one.written for one in found] == ["kim@acme.test", "Lee lee@home.test"]
    for wish in ("0", "4", "Nope", "²", "９９"):
        with pytest.raises(Invalid, match="No column is called"):
            address_files.in_file(table, wish)


@pytest.mark.parametrize(("content", "sentence"), [
    (b"PK\x03\x04 and more", "This is a workbook."), (b"a\0\0\0b" * 9, "not a text or CSV file"),
    (b"\x81\x8d\xff", "not a text or CSV file"),
    (b"Name,Town\nKim,Oslo", "No column has addresses"),
    (b'a,"' + b"x" * 200_000, "cannot be read as a list"),
])  # fmt: skip
def test_what_is_no_list_says_what_it_is(client, acme, content, sentence):
    answer = upload(client, content)

    assert answer.status_code == 422
    assert sentence in answer.text


BROKEN = {  # thirty kinds of rows that somebody types, exports or mails around
    "kim.acme.test": "It has no @ sign.",
    "kim(at)acme.test": "Write an @ sign in place of “at”.",
    "kim at acme.test": "Write an @ sign in place of “at”.",
    "kim@@acme.test": "It has two @ signs.",
    "kim@acme@test": "It has two @ signs.",
    "@acme.test": "Nothing is before the @ sign.",
    "kim@": "Nothing is after the @ sign.",
    "kim..lee@acme.test": "It has two periods in a row. One is enough.",
    "kim@acme..test": "It has two periods in a row. One is enough.",
    ".kim@acme.test": "It begins with a period. Remove it.",
    "kim.@acme.test": "A period is just before the @ sign. Remove it.",
    "kim@.acme.test": "A period is just after the @ sign. Remove it.",
    "kim@acme.test.": "It ends with a period. Remove it.",
    "kim@acme,test": "A comma is after the @ sign. Write a period.",
    "kim@acme": "What follows the @ sign has no ending, such as “.com”.",
    "kim@acme_labs.test": "What follows the @ sign cannot have an underscore.",
    "kim@-acme.test": "A part after the @ sign begins or ends with a hyphen.",
    "kim@acme.123": "“.123” is no ending of an address.",
    "kim@127.0.0.1": "After the @ sign is the number of a computer. Write its name.",
    "kim@[127.0.0.1]": "After the @ sign is the number of a computer. Write its name.",
    "kim lee@acme.test": "It has a space in it. Remove it.",
    "kim@acme .test": "It has a space in it. Remove it.",
    "mailto:kim@acme.test": "Remove “mailto:”.",
    "https://acme.test/kim": "This is the address of a web page.",
    "“kim@acme.test”": "Remove brackets and quotation marks.",
    "kim@acme.test>": "Remove brackets and quotation marks.",
    "kim@acme.test (Kim)": "Remove brackets and quotation marks.",
    "kim\u200b@acme.test": "It contains a character that cannot be seen (zero width space). "
                           "Type it again.",
    "kim\u00a0lee@acme.test": "It contains a character that cannot be seen (no-break space). "
                              "Type it again.",
    "kím@acme.test": "Before the @ sign is “í”. Most mail servers take plain letters only.",
    "kim:lee@acme.test": "Before the @ sign is “:”. Remove it.",
    "kim\x7flee@acme.test": "It contains a character that cannot be seen (U+007F). Type it again.",
    "=?utf-8?q?kim?=@acme.test": "It is encoded as in the head of a letter. Write it plainly.",
    "k" * 65 + "@acme.test": "It is too long.",
}  # fmt: skip


def test_a_file_with_thirty_kinds_of_broken_rows_is_clear_and_nothing_is_lost(client, cast, acme):
    lines = ["Name;Email"]
    for number, broken in enumerate(BROKEN):
        lines += [f"Person {number};{broken}", f"Person {number};good{number}@acme.test"]

    page = upload(client, "\n".join(lines).encode())
    first = rows(page.text)
    after = re.search(r'rel="next" href="[^"]*after=(\d+)', page.text)[1]
    found = first + rows(client.get(f"{page.request.path}?after={after}").text)

    told = [(address, why) for address, word, why in found if word == "Will not be invited"]
    assert len(BROKEN) >= 30
    assert [why for _, why in told] == [f"Not an address. {why}" for why in BROKEN.values()]
    assert len(found) == 2 * len(BROKEN)
    begin(client)
    assert len(invitations.of_organization(acme)) == len(BROKEN)


def test_a_long_list_is_invited_by_and_by_and_the_page_tells_how_far_it_is(
    client, cast, ines, settings, monkeypatch
):
    settings.limit_recipient = "100000/1d"
    monkeypatch.setattr(errands, "TOGETHER", 40)
    acme = cast.organization(ines, seats=30)
    upload(client, "\n".join(f"p{n}@acme.test" for n in range(100)).encode())

    page = begin(client)

    assert 'data-state="running"' in page.text
    assert '<progress max="100" value="0"' in page.text
    assert invitations.of_organization(acme) == []
    clock.run_errands()
    done = client.get(page.request.path).text
    assert "of 100 invited, 10 not" in done  # three for each seat may be open
    assert "90 invitations are open, the most for now. Buy seats, or revoke some." in done
    assert len(invitations.of_organization(acme)) == 90
    waiting = db.select(Letter).filter_by(template="invitation", state="pending")
    assert len(db.session.scalars(waiting).all()) == 90

    subscriptions.resize(subscriptions.live(acme), 60, by=ines)
    client.post(f"{page.request.path}/again")
    assert newest().number == 10
    begin(client)

    assert len(invitations.of_organization(acme)) == 100
    assert seats.count(acme).used == 0
    assert outbox.due() >= 100


def test_the_list_of_another_organization_cannot_be_mended(client, cast, acme):
    bob = cast.account("Bob")
    other = cast.organization(bob, "Other")
    errand = listings.prepare(other, "secret@other.test x@", by=bob)

    assert client.get(f"/acme/invitations/new?mend={errand.id}").status_code == 404
    assert client.get(f"/acme/members/errands/{errand.id}").status_code == 404


def test_reasons_to_ask_again_are_those_that_can_change():
    worth = guest_lists.is_worth_another_try

    assert worth("Not now. 50 invitations are open.")
    assert worth(None)
    assert not worth("Already a member.")
