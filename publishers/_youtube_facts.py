"""What a person sets up before YouTube can be used, and the numbers of what it takes."""
from datetime import date

from publishers._youtube_login import SCOPE
from publishers.base import Limits, Setup

SETUP = Setup(
    app="A project at console.cloud.google.com with the YouTube Data API v3 switched on, a consent screen, and an "
        "OAuth client of the type 'Desktop app'. Publish the consent screen: while it is in testing, every sign-in "
        "ends after 7 days.",
    fields={"client_id": "APIs & Services → Credentials → the OAuth client → Client ID",
            "client_secret": "the same page → Client secret",
            "refresh_token": "what the sign-in in the browser gives; sign in as the channel that is to post",
            "access_token": "filled in by the sign-in, and anew every hour",
            "expires_at": "filled in with it: when the access token dies"},
    scopes=(SCOPE,),
    expires="The access token lives an hour and is renewed by itself. The refresh token ends when it is withdrawn, "
            "unused for six months, or after 7 days while the app is in testing.",
    review="YouTube locks every video to private that comes from a project it has not audited (projects made after "
           "28 July 2020): ask for the audit at support.google.com/youtube/contact/yt_api_form first. Making such "
           "a video public afterwards does not help; by reports from the field it is locked again at once, "
           "by hand too.",
    costs="Free, within a quota for each project and day (until midnight in California): 100 uploads, and 10,000 "
          "units, of which a post costs 52, with a picture 102, with subtitles 452 or 502.",
    page="https://developers.google.com/youtube/v3/getting-started")
LIMITS = Limits(
    text=5_000, unit="bytes", images=1, image_bytes=50_000_000, image_types=("jpg", "jpeg", "png"), videos=1,
    video_bytes=256_000_000_000, video_types=("mp4", "mov", "m4v", "webm", "avi", "mkv", "mpeg", "mpg"),
    video_seconds=(0.0, 43_200.0), needs_media=True, mixes_media=True, title=100, parts=1,
    source="developers.google.com/youtube/v3/docs/videos, videos/insert, thumbnails/set (50 MB since 2026-09-14); "
           "12 hours: support.google.com/youtube/answer/71673, 15 minutes before a channel is verified",
    read=date(2026, 11, 22))
