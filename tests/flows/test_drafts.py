"""Networks where a post exists before it is published: its draft is recorded, and every attempt takes the same one."""
import io
from datetime import timedelta

import pytest
from contract_case import FILES, film
from PIL import Image

from schemas.ledger import Kind, Slot

CHANNELS = """channels:
  - {id: blog, network: wordpress, handle: mill}
  - {id: pictures, network: instagram, handle: mill}
"""
LATER = timedelta(minutes=10)


def photo() -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (640, 640), (90, 40, 20)).save(made, "JPEG")
    return made.getvalue()


@pytest.fixture
def house(stage):
    """A blog and an Instagram account, and one post for either."""
    stage.folder.write("networks/channels.yaml", CHANNELS)
    stage.folder.write("media/kettle.jpg", photo())
    stage.folder.post("kettle", "A **kettle** is mended.", channels="blog", more="title: The kettle\n")
    stage.folder.post("mended", "Before and after.", channels="pictures",
                      more="media: [{file: kettle.jpg, alt: A kettle}]\n")
    stage.folder.commit()
    return stage


def drafts(stage, slot: str) -> list[str]:
    """The draft of each attempt, as its record keeps it."""
    return [entry.record.detail["draft"] for entry in stage.entries(slot) if entry.record.kind is Kind.sending]


BLOG, PICTURES = "posts/kettle@blog#1", "posts/mended@pictures#1"


def test_a_draft_is_recorded_before_its_call(house):
    """Each goes out once; the record of the attempt names the draft that was published."""
    house.run()

    assert sorted(post["network"] for post in house.posts()) == ["instagram", "wordpress"]
    assert {slot: (house.standing(slot).state.value, len(drafts(house, slot))) for slot in (BLOG, PICTURES)} == {
        BLOG: ("published", 1), PICTURES: ("published", 1)}
    (picture,) = (post for post in house.posts() if post["network"] == "instagram")
    assert picture["media"][0]["alt"] == "A kettle"
    assert house.standing(PICTURES).urls == (f"{house.networks.url}/instagram/#instagram-{picture['id']}",)


def test_a_post_whose_address_nobody_tells_is_out(house):
    """Instagram is asked for the address behind the call; no answer to that changes nothing about the post."""
    house.script({"network": "instagram", "fault": "hang up before", "match": "GET /v[0-9.]+/[0-9]+",
                  "after": 1})                                    # the container's state is asked in the same way
    house.run()

    standing = house.standing(PICTURES)
    assert (standing.state.value, standing.urls, len(standing.parts)) == ("published", (), 1)
    assert len([post for post in house.posts() if post["network"] == "instagram"]) == 1


@pytest.mark.parametrize("fault", ["500 after effect", "hang up after effect", "truncate", "hang up before"])
@pytest.mark.parametrize(("network", "slot"), [("wordpress", BLOG), ("instagram", PICTURES)])
def test_a_lost_answer_is_settled_by_the_same_draft(house, network, slot, fault):
    """Whatever became of the call, the same draft is looked at and published: one post, no person needed."""
    house.script({"network": network, "fault": fault})
    house.run()

    assert house.standing(slot).state.value == "published"
    assert [post["network"] for post in house.posts()].count(network) == 1
    assert len(set(drafts(house, slot))) == 1


@pytest.mark.parametrize(("network", "slot"), [("wordpress", BLOG), ("instagram", PICTURES)])
def test_an_attempt_that_was_not_made_keeps_its_draft(house, network, slot):
    """Told to wait, it publishes the draft that it has: nothing is left lying unseen for each try."""
    house.script({"network": network, "fault": "429", "retry_after": 120})
    house.run()

    assert house.standing(slot).state.value == "published"
    assert len(set(drafts(house, slot))) == 1 < len(drafts(house, slot))


def test_another_text_gets_another_draft(house):
    """Edited before it is out, the post goes out as it is now."""
    house.script({"network": "wordpress", "fault": "429", "retry_after": 3600})
    house.run(until=house.clock.now() + LATER)
    house.folder.post("kettle", "A kettle is _not_ mended.", channels="blog", more="title: The kettle\n")
    house.folder.commit()
    house.run("two")

    (blog,) = (post for post in house.posts() if post["network"] == "wordpress")
    assert "not" in blog["text"]
    assert Slot.parse(BLOG) == house.standing(BLOG).slot


def test_a_network_fetches_from_a_signed_address_of_the_archive(house, s3, monkeypatch):
    """With its archive on S3 a file has an address that is good for a while: the network fetches the very bytes."""
    for name, value in s3.environment().items():
        monkeypatch.setenv(name, value)
    house.archive = f"s3://{s3.bucket()}/club"

    told = house.run(public=True)

    assert {one.row.slot: one.row.state.value for one in told} == {BLOG: "published", PICTURES: "published"}
    fetched = [query for method, query in s3.requests if method == "GET" and "X-Amz-Signature" in query]
    assert len(fetched) == 1
    assert "response-content-type=image%2Fjpeg" in fetched[0]


def test_a_folder_has_no_public_address(house):
    """An archive in a folder cannot serve Instagram: said with what to do, and the blog goes out."""
    told = {one.row.slot: one.row for one in house.run(public=True)}

    assert told[BLOG].state.value == "published"
    assert told[PICTURES].state.value == "failed"
    assert told[PICTURES].reason is not None
    assert "instagram fetches kettle.jpg from a public address" in told[PICTURES].reason
    assert "--archive s3://" in told[PICTURES].reason


def test_an_address_that_must_last_is_asked_for(stage, s3, monkeypatch):
    """dev.to shows pictures from our address for ever, so a signed one will not do: said, and what to set."""
    for name, value in s3.environment().items():
        monkeypatch.setenv(name, value)
    stage.archive = f"s3://{s3.bucket()}/club"
    stage.folder.write("networks/channels.yaml", "channels:\n  - {id: dev, network: devto, handle: mill}\n")
    stage.folder.write("media/kettle.jpg", photo())
    stage.folder.post("kettle", "A kettle is mended.", channels="dev",
                      more="title: The kettle\nmedia: [{file: kettle.jpg, alt: A kettle, ai: none}]\n")
    stage.folder.commit()

    (told,) = stage.run(public=True)

    assert told.row.state.value == "failed"
    assert "set media_url in drumbeat.toml" in str(told.row.reason)


FILM = """channels:
  - {id: x, network: x, handle: mill}
"""


def test_subtitles_go_with_their_film(stage):
    """A film and its subtitles are promised, kept in the archive and uploaded together, by the bytes that Git has."""
    words = b"WEBVTT\n\n00:00.000 --> 00:02.000\nA kettle boils.\n"
    stage.folder.write("networks/channels.yaml", FILM)
    stage.folder.write("media/kettle.en.vtt", words)
    stage.folder.write("media/kettle.mp4", FILES[film().blob])
    stage.folder.post("boils", "It boils.", channels="x",
                      more="media: [{file: kettle.mp4, alt: A kettle boils, captions: kettle.en.vtt}]\n")
    stage.folder.commit()

    told = stage.run()

    assert [(one.row.state.value, one.row.reason) for one in told] == [("published", None)]
    kept = {media.name: stage.networks.twin("x").bytes_of(media.sha256)
            for media in stage.networks.twin("x").media.values()}
    assert words in kept.values()
