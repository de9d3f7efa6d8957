"""What `drumbeat new` writes to begin with: each file parses as it stands, and its notes say what belongs where."""

CAMPAIGN = """\
campaign: {id}
title: "{title}"
owner: {owner}
start: {start}
end: {end}
audiences: [{audiences}]
channels: [{channels}]
goals: [{goals}]                           # {{goal: ..., target: ...}}, of the strategy's social goals
learned: []                                # what groundwork taught: {{from: groundwork, text: ..., used: ...}}
risks: []                                  # what people may do with it: {{what: ..., answer: ...}}, three or more
# offer:                                   # needed before the first ask
#   text: ...
#   value_to_reader: ...
#   value_to_us: ...
#   url: https://...
#   event: ...                             # of the strategy's crm.events
#   validated: []                          # {{audience: ..., date: ..., by: ..., method: ..., finding: ...}}
#   reassess: []                           # days on which the offer is looked at again
maintenance: {{owner: {owner}, until: {until}, cadence: 1/4w}}   # after the end; add hours: ...
"""

AUDIENCE = """\
audience: {id}
name: "{title}"
behaviours: []                             # what they do, in short phrases: [search before they buy, ask friends]
wants: []                                  # what they say they want
needs: []                                  # what they need for it
motivations: []                            # why
expects: []                                # what they expect of you
gathers_at: []                             # where they are: [mastodon, "the Saturday market"]
evidence: []                               # what you saw: {{id: desk, text: "31 of 48 interviews",
                                           #   date: {today}, source: interviews}}
insights: []                               # what it tells you: {{id: no-room, text: "...", evidence: desk}}
"""

DISCOVERY = """\
# checked: {today}                         # the day when all of this was looked at
listening: []                              # searches somebody reads: {{id: us, query: '"our name"', covers: [brand]}}
                                           # covers: brand, product, competitor, campaign
# people:                                  # how people speak of you, counted over some weeks
#   reputation: {{from: {before}, to: {today}, source: counted by hand, positive: 0, neutral: 0, negative: 0}}
competition: []                            # two or more: {{id: ..., name: ..., doing: "...", leapfrog: "where you
                                           #   can do better", reputation: {{positive: 0, neutral: 0, negative: 0}}}}
spiders:                                   # whether people who search find you
  keywords: []                             # five or more: {{term: ..., position: 3}}; null where you are not found
findings: []                               # what all this taught: {{id: ..., kind: people, text: "..."}}
                                           # kind: people, competition, spiders; one of each at least
"""

POLICY = """\
---
policy: {id}
version: 1
owner: {owner}
effective: {today}
review_by: {later}
covers: [blogging, texting, messaging, social]
---
Write here, in plain words, how we speak and what we never do.

Who has read it is written in people/team.yaml, beside "people:":
acknowledged: {{{id}@1: {{{owner}: {today}}}}}
"""

CRISIS = """\
plan: crisis-plan
version: 1
owner: {owner}
# approved: {{by: {owner}, on: {today}}}
review_by: {later}
rehearsed: []                              # {{date: {today}, scenario: "...", took: 38m}}
roles: {{decides: [{owner}], speaks: [{owner}], posts: [{owner}], listens: [{owner}]}}   # a person and a backup each
levels:                                    # publishing: continue, hold-asks or hold-all
  - id: watch
    when: "..."
    acknowledge: 4h
    update_every: 24h
    approve: {owner}
    publishing: hold-asks
  - id: crisis
    when: "..."
    acknowledge: 30m
    update_every: 4h
    approve: {owner}
    publishing: hold-all
    statement: first-words                 # crisis/holding/first-words.md
stakeholders: []
"""

STATEMENT = """\
---
statement: first-words
# approved: {{by: {owner}, on: {today}}}
expires: {later}
fill: [what, when, next_update]
---
We have heard that {{{{what}}}} on {{{{when}}}}. We are finding out what happened and are here to answer you.
Next update: {{{{next_update}}}}.
"""

INCIDENT = """\
level: {level}                             # of crisis/plan.yaml: it says what stops meanwhile
opened: {now}
channels: [{channels}]
status: open                               # open, monitoring, closed; to end it: closed, with closed: and resume_by:
updates: []                                # what goes out all the same: {{at: {now}, post: ...}}
"""
