"""What Prefect does by itself when something happens to us, as data: runs that start, shifts that go on, words.

Each fires at most once for a thing and a reason within its `within`; when many posts go wrong at once, people hear of
the first alone and of the others together. What the words are made of comes from strangers: templates cut it and break
what could ping.
"""
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from prefect.automations import AutomationCore, ChangeFlowRunState, DoNothing, RunDeployment, SendNotification
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ActionTypes
from prefect.events.schemas.automations import EventTrigger, Posture

from flows.announce import ALONE, LABEL, TOLD
from flows.edges.prefect_server import HEARTBEAT_S

MARK = "drumbeat"
"""Tag of all that we make in Prefect; what does not have it is never touched."""
PREFIX = "drumbeat: "
GONE = timedelta(seconds=4 * HEARTBEAT_S)
"""Three heartbeats missed, and one more for a slow server: then a shift counts as crashed."""
AGAIN = timedelta(seconds=30)
_A_DAY, _AN_HOUR = timedelta(days=1), timedelta(hours=1)
_A_CRASH = timedelta(minutes=15)
"""A shift that crashes again as soon as it is started is told so often, and not each time."""
_ID = "prefect.resource.id"
_ENDS = {f"prefect.flow-run.{state}" for state in ("Completed", "Failed", "Cancelled", "Crashed")}
_EACH_DEPLOYMENT = f"related:deployment:{_ID}"
_SHIFTS = {"prefect.resource.role": "flow", "prefect.resource.name": "publish"}


class Alarm(NamedTuple):
    """Words for people about one kind of event. `todo`: what to do; `{{ }}` in it is filled in by Prefect."""

    name: str
    events: tuple[str, ...]
    subject: str
    todo: str
    within: timedelta = _A_DAY
    related: Mapping[str, str] = {}
    each: frozenset[str] = frozenset({_ID, LABEL})

    @property
    def match(self) -> dict[str, str]:
        """Of what became of slots only what people hear of by itself."""
        return {TOLD: ALONE} if all(event.startswith("drumbeat.post.") for event in self.events) else {}


def _said(*names: str, most: int = 300) -> str:
    """The first of these that the event's payload has, as a template: short, one line, no tag, mention or code."""
    first = " or ".join(f"event.payload.{name}" for name in names)
    return f"{{{{ ({first} or '') | {_INERT} | truncate({most}, True) }}}}"


_INERT = " | ".join(("string", *(f"replace({old!r}, {new!r})" for old, new in (
    ("\n", " "), ("\r", " "), ("<", "‹"), (">", "›"), ("`", "'"), ("@everyone", "＠everyone"), ("@here", "＠here"),
    ("@channel", "＠channel")))))
_SLOT = f"{{{{ (event.resource.name or event.resource.id) | {_INERT} | truncate(200, True) }}}}"
_STORY = f"Its whole story: drumbeat why {_SLOT}"
ALARMS = (
    Alarm("a post failed", ("drumbeat.post.failed",), f"Failed: {_SLOT}", _STORY),
    Alarm("a post is held", ("drumbeat.post.held",), f"Waits for a person: {_SLOT}", _STORY),
    Alarm("nobody knows whether a post arrived", ("drumbeat.post.unknown",), f"Unknown: {_SLOT}", _STORY),
    Alarm("a post was missed", ("drumbeat.post.missed",), f"Missed: {_SLOT}", _STORY),
    Alarm("a post is overdue", ("drumbeat.post.overdue",), f"Due and not sent: {_SLOT}",
          f"See that a publisher runs (drumbeat doctor). {_STORY}"),
    Alarm("many posts went wrong", ("drumbeat.post.many",), f"{_said('count', most=12)} more posts to look at",
          "All of them: drumbeat status"),
    Alarm("a plan was rejected", ("drumbeat.plan.rejected",), f"Plan rejected: commit {_said('commit', most=12)}",
          "The last good plan stays in force. What is wrong with this one: drumbeat check"),
    Alarm("what is pushed does not arrive", ("drumbeat.content.unreachable",), f"Pushes to {_SLOT} do not arrive",
          "What is planned goes out all the same. More: drumbeat status"),
    Alarm("what is pushed arrives again", ("drumbeat.content.reachable",), f"Pushes to {_SLOT} arrive again",
          "What was pushed meanwhile is taken now: drumbeat status"),
    Alarm("a credential ends", ("drumbeat.credential.ending",), f"The credential of {_SLOT} ends",
          "Renew it: drumbeat connect"),
    Alarm("a channel is silent", ("drumbeat.channel.silent",), f"Silent: {_SLOT}", "Plan a post for it, or retire it."),
    Alarm("a gate changed", ("drumbeat.gate.changed",), f"Gate {_SLOT} is {_said('state', most=20)}",
          "What it needs: drumbeat gates", _AN_HOUR),
    Alarm("something was held or resumed", ("drumbeat.channel.paused", "drumbeat.channel.resumed"),
          "{{ 'Resumed' if event.event.endswith('resumed') else 'Held' }}: " + _SLOT,
          "What waits: drumbeat status --state waiting", timedelta(0)),
    Alarm("a shift crashed", ("prefect.flow-run.Crashed",), f"Crashed: {_SLOT}",
          "It is started again where Prefect runs it. What was due: drumbeat status", _A_CRASH, _SHIFTS,
          frozenset({_EACH_DEPLOYMENT})),
)


def automations(deployments: Mapping[str, UUID], blocks: Sequence[UUID]) -> list[AutomationCore]:
    """All of ours. `deployments`: ids by name; `blocks`: whom words go to. Without any, Prefect only notes them."""
    made = [_alarm(alarm, blocks) for alarm in ALARMS]
    if "sync" in deployments:
        made.append(_of("a push starts sync", "What was pushed is fetched and judged.",
                        EventTrigger(expect={"drumbeat.content.pushed"}, for_each={_ID}, posture=Posture.Reactive,
                                     threshold=1, within=timedelta(seconds=5)),
                        [RunDeployment(source="selected", deployment_id=deployments["sync"])]))
    made.append(_of(
        "a shift without a heartbeat has crashed", "Nobody else marks a flow run whose machine is gone.",
        EventTrigger(after={"prefect.flow-run.heartbeat"}, expect={"prefect.flow-run.heartbeat", *_ENDS},
                     match_related=_SHIFTS, for_each={_ID}, posture=Posture.Proactive, threshold=1, within=GONE),
        [ChangeFlowRunState(state=StateType.CRASHED, message="No heartbeat for four minutes; the archive has what "
                                                             "it sent.")]))
    for name, id in sorted(deployments.items()):
        if name.startswith("publish-"):
            made.append(_of(
                f"{name} goes on", "A shift that crashed or was told to stop is followed by another.",
                EventTrigger(expect={"prefect.flow-run.Crashed", "drumbeat.shift.stopped"}, posture=Posture.Reactive,
                             match_related={_ID: f"prefect.deployment.{id}"}, threshold=1, within=timedelta(0)),
                [RunDeployment(source="selected", deployment_id=id, schedule_after=AGAIN)]))
    return made


def _alarm(alarm: Alarm, blocks: Sequence[UUID]) -> AutomationCore:
    reason, step = _said("reason", "why", "validated_state.message"), _said("next", "remedy")
    body = f"{reason}\n{{% if event.payload.next or event.payload.remedy %}}{step}\n{{% endif %}}{alarm.todo}"
    subject = f"Drumbeat. {alarm.subject}"
    actions: list[ActionTypes] = [SendNotification(block_document_id=id, subject=subject, body=body) for id in blocks]
    trigger = EventTrigger(expect=set(alarm.events), match=alarm.match, match_related=dict(alarm.related),
                           for_each=set(alarm.each), posture=Posture.Reactive, threshold=1, within=alarm.within)
    return _of(alarm.name, "Words to people, once for each thing and reason.", trigger, actions or [DoNothing()])


def _of(name: str, description: str, trigger: EventTrigger, actions: list[ActionTypes]) -> AutomationCore:
    return AutomationCore(name=f"{PREFIX}{name}", description=description, enabled=True, tags=[MARK], trigger=trigger,
                          actions=actions)
