"""What a person sets up before LinkedIn can be used, and the numbers of what it takes."""
from datetime import date

from publishers._linkedin_login import MEMBER_SCOPES, PAGE_SCOPES
from publishers.base import Limits, Setup

VERSION = "202607"          # supported for a year at least; the credential field `version` replaces it
SETUP = Setup(
    app="An app at linkedin.com/developers/apps, verified by the company's page. Its tab 'Products': 'Share on "
        "LinkedIn' and 'Sign In with LinkedIn using OpenID Connect' to post as a member, 'Community Management "
        "API' to post as a page.",
    fields={"access_token": "what the sign-in in the browser gives: the app's redirect address stands on its tab "
                            "'Auth'",
            "author": "whose posts these are: urn:li:organization:123 for a page (the number stands in the "
                      "address of its admin view), or 'me' for the member who signs in",
            "version": f"month of the API, such as {VERSION}; only if another one than that is wanted",
            "client_id": "the app's tab 'Auth' → Client ID", "client_secret": "the same tab → Client Secret",
            "refresh_token": "comes with the sign-in, for apps that LinkedIn has allowed it",
            "expires_at": "filled in by the sign-in: when the access token dies"},
    scopes=(*MEMBER_SCOPES, *PAGE_SCOPES),
    expires="The access token lives 60 days. Without a refresh token, which only approved partners get (365 days), "
            "a person signs in again before that.",
    review="Posting as a member needs none. Posting as a page needs the Community Management API, for which "
           "LinkedIn asks a registered company, its purpose, and later a screencast; its first tier allows 500 "
           "calls a day. A first comment as a member needs w_member_social_feed, which few apps are given.",
    costs="Free: 150 calls a day for each member, by reports from the field.",
    page="https://learn.microsoft.com/linkedin/marketing/community-management/shares/posts-api")
LIMITS = Limits(
    text=3_000, unit="UTF-16 units", comment=1_250, alt=4_086, images=20, image_bytes=8_000_000,
    image_types=("jpg", "jpeg", "png", "gif"), image_pixels=36_152_319, videos=1, video_bytes=500_000_000,
    video_types=("mp4",), video_seconds=(3.0, 1_800.0), documents=1, document_bytes=100_000_000,
    document_types=("pdf", "ppt", "pptx", "doc", "docx"), title=400, poll_options=4, poll_option=30,
    poll_seconds=(86_400, 1_209_600), parts=1,
    source="learn.microsoft.com/linkedin images-api, videos-api, documents-api, multiimage-post-api, poll-post-api;"
           " text is documented for the older share API only; comment, bytes of an image and poll answers are "
           "those of LinkedIn's own composer",
    read=date(2026, 11, 22))
