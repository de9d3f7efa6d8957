"""How English asks and boasts."""
from flows.planning.tongues.tongue import Tongue, words

_ALONE = r"(?=!|\]\()"                       # "Join!", or the words of a link
_SOON = "now|today|here|online|below|tonight"
_PLACE = "place|places|seat|seats|spot|spots|slot|table|ticket|tickets|visit|session|appointment|tour|room|demo|call"
_GROUP = ("club|library|community|team|mailing list|newsletter|list|waiting list|waitlist|campaign|challenge|programme|"
          "program|workshop|workshops|webinar|course|class|event|movement|network|group|society|crew|union|choir")
_MEMBER = "member|volunteer|supporter|patron|friend"
_TO_REGISTER = ("evening|morning|afternoon|event|session|sessions|talk|tour|day|weekend|night|class|place|seat|spot")
_PASSED_ON = "post|page|link|video|thread|news|picture|photo|story|appeal|campaign"

ENGLISH = Tongue(
    asks={
        "join": rf"^join(?: (?:us|our|now|today|online|free|for free|as an? (?:{_MEMBER})|with the first month)"
                rf"(?! in (?:thank|congrat|welcom|celebrat|wish)\w{{1,12}})| the (?:\w{{1,20}} ){{0,2}}(?:{_GROUP})"
                rf"|{_ALONE})",
        "sign up": "^sign up(?! (?:sheets?|forms?|lists?|pages?|buttons?|bonus|fees?)(?!\\w))",
        "petition": r"^sign (?:this|the|our) (?:\w{1,20} )?petition",
        "donat": "^donate(?! (?:blood|plasma|organs?|hair|nothing)(?!\\w))",
        "you donate": "(?:will|would|could|can) you donate(?! (?:blood|plasma|organs?|hair)(?!\\w))",
        "buy": rf"^buy(?: (?:{_SOON}|yours|from us|our|us a|tickets|your tickets?|a ticket)|{_ALONE})",
        "book": rf"^book(?: (?:{_SOON}|early|ahead|yours|your|tickets|in for"
                rf"|(?:a|an|the|one) (?:\w{{1,20}} ){{0,2}}(?:{_PLACE}))|{_ALONE})",
        "regist": rf"^register(?: (?:{_SOON}|at|via|early|free|your (?:interest|place|seat|team|spot)"
                  rf"|for(?= (?:our|free|(?:[\w'’]{{1,20}} ){{0,3}}(?:{_GROUP}|{_TO_REGISTER}))(?!\w)))|{_ALONE})",
        "vote": rf"^vote(?: (?:{_SOON}|(?:for )?(?:us|our|me))|{_ALONE})",
        "your vote": "^(?:cast|give us) your vote",
        "subscribe": r"^subscribe(?! (?:buttons?|to (?:fewer|less|nothing))(?!\w))",
        "follow": r"^follow (?:us(?! (?:around|round|through|into|inside|down|up|behind|along|as|home|past|"
                  r"to (?:the|a|our))(?!\w))|our (?:page|account|channel|profile))",
        "support": "^support (?:us|our (?:work|campaign|appeal|fund|cause|mission))",
        "become": rf"^become (?:a|an|our) (?:\w{{1,20}} )?(?:{_MEMBER})",
        "get your": "^get your (?:tickets?|copy|place|seat|spot|free (?:tickets?|copy|place|seat|trial|guide|month))",
        "tickets": "^(?:get|grab) tickets",
        "rsvp": "^rsvp",
        "volunteer": "^volunteer (?:with us|for us|today|now)",
        "reserve": rf"^reserve (?:{_SOON}|your|a (?:{_PLACE}))",
        "order": rf"^(?:pre-?)?order (?:{_SOON}|yours|your (?:copy|tickets?))",
        "shop": rf"^shop (?:{_SOON})(?! (?:safely|securely|less)(?!\w))",
        "enrol": rf"^enroll?(?: (?:{_SOON}|in|for|on)|{_ALONE})",
        "apply": rf"^apply (?:online|today|now|to join|for(?= (?:our|membership|a (?:{_PLACE}))(?!\w)))",
        "pledge": "^pledge (?:your|now|today|[£$€])",
        "claim": "^claim (?:yours|your (?:free )?(?:place|seat|spot|tickets?|copy|discount|voucher|offer|gift|prize))",
        "chip in": "^chip in",
        "give generously": "^give generously",
        "sponsor": "^sponsor (?:us|our|an?)",
        "help us": "^help us (?:to )?(?:raise|reach|fund|buy|win|hit)",
        "code": r"^use (?:our |my |promo |discount )?code(?! (?:blocks?|names?|words?|snippets?|reviews?)(?!\w))",
        "save your": r"^save your (?:seat|spot|place)(?! with(?!\w))",
        "your name": "^add your name",
        "start your": "^start your (?:free )?(?:trial|membership)",
    },
    shares={
        "share this": rf"^share this(?= (?:{_PASSED_ON}|with|if|so|and|{_SOON}|far|widely|please|to)(?!\w)"
                      r"|\s{0,3}(?:[.!,:;)…→]|$))",
        "share": rf"^share (?:(?:our|the) (?:{_PASSED_ON})|(?:it )?with (?:your friends?|a friend|friends|everyone))",
        "please share": "please share(?! (?:your|what|how|which|where|why|an?|in|tips))",
        "spread the word": "^spread the word",
        "retweet": "^retweet",
        "rt": "(?:please|pls) rt",
        "repost": "^repost (?:this|if|please)",
        "boost": "please boost|boosts? (?:welcome|appreciated)",
        "tag": r"^tag (?:a|your|one|two|three|some|\d) (?:\w{1,12} )?friends?",
        "like and": "^like and (?:share|follow|subscribe)",
        "like this": "^like this (?:post|page|video)",
    },
    boasts={
        "award": r"award(?:-| )winning|(?:won|win|receiv\w{1,3}|collect\w{0,2}|given|got) (?:an?|the|our|this) "
                 r"(?:\w{1,20} ){0,4}awards?",
        "we won": "we won(?!['’])",
        "won": "we(?:['’]ve| have) (?:just )?won",
        "proud to": "proud to (?:announce|have|be|say)",
        "to announce": "(?:thrilled|delighted|excited|honou?red|happy|pleased) to announce",
        "we": "we(?:['’]ve been| have been| were|['’]re| are) (?:just )?(?:named|voted|nominated|shortlisted|ranked)",
        "shortlisted for": "shortlisted for",
        "nominated for": "nominated for",
        "finalist": "finalists? (?:in|for|at)",
        "milestone": "milestones?",
        "anniversary": r"(?:our|\d{1,3}(?:st|nd|rd|th)|first|tenth|silver|golden) (?:\w{1,12} )?anniversary",
        "birthday": r"(?:our|\d{1,3}(?:st|nd|rd|th)) birthday",
        "followers": r"\d[\d.,]{0,12}+(?:k|m| thousand)? (?:new )?followers",
        "subscribers": r"\d[\d.,]{0,12}+(?:k|m| thousand)? (?:new )?subscribers",
        "of the year": "(?:charity|project|team|shop|library|business|organi[sz]ation|product|campaign) of the year",
    },
    invites=words("please pls come"),
    leads=words("and or then so now just today also do"),
    narrates=words("we they people who that which members visitors volunteers neighbours neighbors i"),
    infinitives=words("to"),
    before_infinitives=words(
        "click tap here link below want ready time how reply call write email visit chance like forget remember"),
)
