"""What a content team writes has a place in the models, and nothing else has."""
from collections.abc import Iterator
from typing import Annotated, Any, Literal, get_args, get_origin

import pytest
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from schemas.audience import Audience, PillarsFile
from schemas.campaign import Campaign, Review, Series
from schemas.channel import ChannelsFile
from schemas.crisis import CrisisPlan, Incident, Statement
from schemas.engagement import BlackoutsFile, CheckIn, Playbook, Policy
from schemas.idea import Idea
from schemas.notation import Ref
from schemas.people import Team
from schemas.post import Head
from schemas.rulebook import MediaLibrary, Rulebook
from schemas.strategy import Discovery, Keyword, Strategy

TOPS = (Strategy, Discovery, Team, Audience, PillarsFile, ChannelsFile, Campaign, Review, Series, Playbook,
        BlackoutsFile, CheckIn, Policy, CrisisPlan, Statement, Incident, Idea, MediaLibrary, Rulebook, Head)

# The tables of the domain page: every field of every entity, by the name people write.
FIELDS = {
    "Head": "at slot after every from until runs not_before not_after intent channels tactic goal funnel audience "
            "pillar origin credit link utm media hashtags answers idea invites_reply poll ugc disclosure approved_by "
            "author promoted draft hold withdraw timezone language id grace title warning options",
    "Utm": "source medium campaign content term id",
    "MediaUse": "file alt decorative captions transcript ai channels", "Poll": "options for",
    "Ugc": "creator permission on uses until proof", "Disclosure": "kind party label",
    "Promotion": "money from until",
    "Campaign": "campaign title owner team strategy start end audiences channels goals learned offer pages assets "
                "influencers risks competition_terms defaults commitments maintenance approval budget",
    "CampaignGoal": "goal target", "Learned": "from text used",
    "Offer": "text value_to_reader value_to_us url event validated reassess",
    "Validation": "audience date by method finding", "Page": "url live indexed keywords",
    "Assets": "needed ready_by", "Influencer": "handle kind since gave terms disclosure", "Risk": "what answer",
    "Commitment": "text due owner done", "Maintenance": "owner until cadence hours money thanks",
    "Approval": "need from", "CampaignBudget": "money hours",
    "Review": "kind date by agreed_by decision evidence change",
    "Evidence": "asks clicks conversions target_to_date net_sentiment replies_read",
    "Strategy": "strategy title start end timezone language own_domains reviewed sponsor mission business_goals "
                "department_goals perception social_goals tactics budget phases crm",
    "Sponsor": "person approved", "BusinessGoal": "id text owner",
    "DepartmentGoal": "id department owner serves text agreed",
    "Perception": "current desired experience promise difference",
    "SocialGoal": "id text serves insights findings metric baseline target due owner agreed_by audience funnel "
                  "why_reachable result",
    "Baseline": "value from to source", "Tactic": "id goals pillar channels intent cadence owner",
    "Budget": "currency money hours hour_rate split", "BudgetSplit": "groundwork campaign maintenance",
    "Crm": "system connection events", "CrmEvent": "stage value",
    "Discovery": "checked listening people competition spiders findings", "Listening": "id query covers",
    "People": "reputation", "Reputation": "from to source positive neutral negative",
    "Mentions": "positive neutral negative", "Competitor": "id name channels doing reputation leapfrog",
    "Spiders": "keywords site", "Keyword": "term position", "Site": "indexed_pages sitemap titles_ok checked",
    "Finding": "id kind text",
    "Team": "departments headcount people required_training sessions acknowledged on_call",
    "Department": "id head", "Person": "id name roles executive strengths git backup external active",
    "Strengths": "business digital", "External": "until scope",
    "Session": "id date group attended headcount expires campaign",
    "Audience": "audience name existing size locale behaviours wants needs motivations expects gathers_at evidence "
                "insights",
    "Proof": "id text date source", "Insight": "id text evidence",
    "ChannelsFile": "stagger quiet_hours min_gap channels",
    "Channel": "id network handle connection owner responders audiences goals evidence norms slots max_per_day "
               "link_placement limits timezone language grace on_unknown status closing_notice profile_checked "
               "options monthly_budget",
    "PillarsFile": "pillars", "Pillar": "id name share audiences",
    "Series": "series slot channels min_repeat order defaults", "BlackoutsFile": "blackouts moments",
    "Blackout": "id from to effect channels reason", "Moment": "id date name pillar",
    "Playbook": "sla working_hours routes moderation ugc_request crm_handoff",
    "Sla": "question complaint crisis praise idea lead", "Moderation": "policy remove_for never_remove_for",
    "CrmHandoff": "when needs_consent fields",
    "CrisisPlan": "plan version owner approved review_by rehearsed roles levels stakeholders",
    "SignedOff": "by on", "Drill": "date scenario took findings", "CrisisRoles": "decides speaks posts listens",
    "Level": "id when acknowledge update_every approve publishing statement",
    "Statement": "statement approved expires fill",
    "Incident": "level opened channels status updates closed resume_by after_action", "Update": "at post",
    "Policy": "policy version owner effective review_by covers",
    "Idea": "title from filed status source tags score became declined_why", "IdeaSource": "channel ref credit",
    "Score": "impact confidence ease", "CheckIn": "date present decisions actions suggestions",
    "Task": "text owner due done", "MediaLibrary": "*",
    "MediaItem": "alt decorative credit licence people consent ai", "Consent": "until ref",
    "Rulebook": "profile knobs severity waivers records", "Waiver": "rule where until by reason",
    "Records": "posts approvals metrics media inbox lock legal_hold",
}

# Every field that names something else, and the kinds it names.
REFS = {
    "person": "Head.approved_by Head.author Campaign.owner Campaign.team Validation.by Commitment.owner "
              "Maintenance.owner Approval.from Review.by Review.agreed_by Sponsor.person BusinessGoal.owner "
              "DepartmentGoal.owner SocialGoal.owner SocialGoal.agreed_by Tactic.owner Department.head Person.backup "
              "Session.attended Team.acknowledged Team.on_call Channel.owner Channel.responders Playbook.routes "
              "CrisisPlan.owner SignedOff.by CrisisRoles.decides CrisisRoles.speaks CrisisRoles.posts "
              "CrisisRoles.listens Level.approve Incident.resume_by Policy.owner CheckIn.present Task.owner Waiver.by",
    "department": "DepartmentGoal.department",
    "business_goal": "DepartmentGoal.serves",
    "department_goal": "SocialGoal.serves",
    "social_goal": "Head.goal CampaignGoal.goal Tactic.goals Channel.goals",
    "insight": "SocialGoal.insights",
    "finding": "SocialGoal.findings",
    "tactic": "Head.tactic",
    "audience": "Head.audience Campaign.audiences Validation.audience SocialGoal.audience Channel.audiences "
                "Pillar.audiences",
    "pillar": "Head.pillar Tactic.pillar Moment.pillar",
    "channel": "Head.channels MediaUse.channels Campaign.channels Tactic.channels Series.channels Blackout.channels "
               "Incident.channels IdeaSource.channel",
    "post": "Maintenance.thanks Update.post Idea.became",
    "campaign": "Session.campaign",
    "strategy": "Campaign.strategy",
    "idea": "Head.idea CheckIn.suggestions",
    "statement": "Level.statement",
    "policy": "Team.acknowledged Moderation.policy",
    "media": "MediaUse.file Assets.needed MediaLibrary.*",
    "evidence": "Insight.evidence",
    "session": "Team.required_training",
}

ROLES = "sponsor department_head strategist social_manager author approver responder spokesperson analyst"
FUNNEL = "awareness knowledge consideration conversion purchase loyalty advocacy"
INTENT = "give respond inform ask"
WORDS = {
    "Head.intent": INTENT, "Head.funnel": FUNNEL, "Head.origin": "created curated ugc",
    "MediaUse.ai": "none edited generated", "Ugc.permission": "requested granted refused",
    "Ugc.uses": "organic paid print", "Disclosure.kind": "ad gifted affiliate partner employee",
    "Learned.from": "groundwork listening review idea",
    "Influencer.kind": "influencer partner employee customer", "Influencer.terms": "none gifted paid",
    "Review.kind": "offer mid final", "Review.decision": "keep change stop",
    "SocialGoal.funnel": FUNNEL, "Tactic.intent": INTENT,
    "Strategy.phases": "discovery strategy skills execution maintenance",
    "Listening.covers": "brand product competitor campaign", "Finding.kind": "people competition spiders",
    "Person.roles": ROLES, "Team.required_training": ROLES,
    "Session.group": "marketing-pr customer-service executives everyone",
    "Channel.link_placement": "body card first_comment bio", "Channel.status": "active listening retired",
    "Channel.on_unknown": "hold retry",
    "Series.order": "oldest", "Blackout.effect": "hold hold-asks",
    "Level.publishing": "continue hold-asks hold-all", "Incident.status": "open monitoring closed",
    "Policy.covers": "blogging texting messaging social house-rules privacy disclosure accessibility",
    "Idea.from": "crowd customer team listening competitor",
    "Idea.status": "new shortlisted planned published declined", "IdeaSource.credit": "yes no ask",
    "MediaItem.licence": "own partner ugc stock cc",
    "MediaItem.people": "none adults-consented minors-consented crowd", "MediaItem.ai": "none edited generated",
    "Rulebook.profile": "relaxed guided strict", "Rulebook.severity": "off advice warning error",
    "Records.lock": "none governance compliance",
}


def models(*roots: type[BaseModel]) -> dict[str, type[BaseModel]]:
    found: dict[str, type[BaseModel]] = {}
    queue = list(roots)
    while queue:
        model = queue.pop()
        if model.__name__ not in found:
            found[model.__name__] = model
            queue += [part for _, whole in fields(model) for part in parts(whole)
                      if isinstance(part, type) and issubclass(part, BaseModel)]
    return found


def fields(model: type[BaseModel]) -> Iterator[tuple[str, Any]]:
    """Each field's written name and whole annotation; `*` where every key is a name the author chose."""
    if extra := model.__annotations__.get("__pydantic_extra__"):
        yield "*", extra
    for name, field in model.model_fields.items():
        yield field.alias or name, whole_annotation(field)


def whole_annotation(field: FieldInfo) -> Any:
    return Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation


def parts(annotation: Any) -> Iterator[Any]:
    """Every type and every mark inside an annotation, at any depth."""
    yield annotation
    if get_origin(annotation) is Literal:
        return
    for part in get_args(annotation):
        yield from parts(part)


def shaped(annotation: Any, word: str) -> Any:
    """`word` in the place where the annotation has its closed set."""
    origin, inside = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return word
    if origin is tuple:
        return [shaped(inside[0], word)]
    if origin is dict:
        return {word: []} if get_origin(inside[0]) is Literal else {"any": shaped(inside[1], word)}
    return next(shaped(part, word) for part in inside if any(get_origin(p) is Literal for p in parts(part)))


ALL = models(*TOPS)


def test_every_model_has_the_fields_of_the_domain() -> None:
    """The fields of the models are the fields of the domain tables, and on_unknown of the publish protocol."""
    assert {name: {field for field, _ in fields(model)} for name, model in ALL.items()} \
        == {name: set(names.split()) for name, names in FIELDS.items()}


@pytest.mark.parametrize("name", sorted(set(ALL) - {"MediaLibrary"}))
def test_unknown_key_is_refused(name: str) -> None:
    """A key nobody knows is an error in every entity, at its own place."""
    with pytest.raises(ValidationError) as refused:
        ALL[name].model_validate({"colour": "red"})

    assert (("colour",), "extra_forbidden") in {(e["loc"], e["type"]) for e in refused.value.errors()}


def test_unknown_key_of_a_media_item_is_refused_where_it_stands() -> None:
    """The library takes any file name, but no unknown key below it."""
    with pytest.raises(ValidationError) as refused:
        MediaLibrary.model_validate({"tool-wall.jpg": {"altt": "A wall"}})

    assert [e["loc"] for e in refused.value.errors()] == [("tool-wall.jpg", "altt")]


def test_references_are_marked() -> None:
    """Every field that holds the id of something else says of what, and no other field does."""
    marked: dict[str, set[str]] = {}
    for name, model in ALL.items():
        for field, annotation in fields(model):
            for part in parts(annotation):
                if isinstance(part, Ref):
                    marked.setdefault(part.kind, set()).add(f"{name}.{field}")

    assert marked == {kind: set(names.split()) for kind, names in REFS.items()}


def test_closed_sets_hold_the_words_of_the_domain() -> None:
    """Each closed set has exactly the words of the domain tables."""
    words: dict[str, set[str]] = {}
    for name, model in ALL.items():
        for field, annotation in fields(model):
            for part in parts(annotation):
                if get_origin(part) is Literal:
                    words.setdefault(f"{name}.{field}", set()).update(get_args(part))

    assert words == {field: set(names.split()) for field, names in WORDS.items()}


@pytest.mark.parametrize("field", sorted(WORDS))
def test_wrong_word_is_refused(field: str) -> None:
    """A word outside a closed set is an error at the field that holds it."""
    name, key = field.split(".")
    wrong = shaped(dict(fields(ALL[name]))[key], "sideways")

    with pytest.raises(ValidationError) as refused:
        ALL[name].model_validate({key: wrong})

    assert (key, "literal_error") in {(e["loc"][0], e["type"]) for e in refused.value.errors()}


def test_only_ids_texts_and_the_frame_are_needed() -> None:
    """A half-written entry parses: only its id, its text, and the frame of a strategy have to be there."""
    needed = {f"{name}.{field.alias or key}" for name, model in ALL.items()
              for key, field in model.model_fields.items() if field.is_required()}

    assert {field for field in needed if field.split(".")[1] not in ("id", "text")} == {
        "Strategy.strategy", "Strategy.start", "Strategy.timezone", "Audience.audience", "Policy.policy",
        "Statement.statement", "CrisisPlan.plan", "Channel.network", "MediaUse.file", "Poll.options",
        "CampaignGoal.goal", "Keyword.term", "Risk.what", "Waiver.rule",
    }


def test_position_null_is_a_measurement() -> None:
    """A keyword we looked for and did not find is measured; one nobody looked for is not."""
    assert [Keyword.model_validate(k).measured for k in
            ({"term": "borrow a drill", "position": None}, {"term": "borrow a drill"})] == [True, False]


def test_blackout_of_all_channels_may_be_written_out() -> None:
    """`channels: all` and no `channels` mean the same; a list means the list."""
    def channels(**more: object) -> object:
        raw = {"blackouts": [{"id": "quiet-day", **more}]}
        return BlackoutsFile.model_validate(raw).blackouts[0].channels

    assert [channels(), channels(channels="all"), channels(channels=["x"])] == [None, None, ("x",)]
