"""What tests of the templates stand on: CloudFormation worked out, policies judged, and an S3 that obeys them."""
import re
import subprocess
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs

import boto3
import pytest
import yaml
from moto.server import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

INFRA = Path(__file__).parents[2] / "infra"
ACCOUNT = "111122223333"
REGION = "eu-west-1"
_PSEUDO = {"AWS::AccountId": ACCOUNT, "AWS::Partition": "aws", "AWS::Region": REGION, "AWS::StackName": "drumbeat"}
_NOTHING = object()
_MAKER = "Maker"                            # whoever makes the bucket: no policy is asked
Document = Mapping[str, Any]
_GIVEN = {
    "Cluster": "house", "Vpc": "vpc-1", "Subnets": "subnet-1,subnet-2",
    "Image": "registry.example.org/drumbeat@sha256:0",
    "Running": "yes", "Remote": "https://git.example.org/club/content.git", "Archive": "s3://millrace-archive/season",
    "WorkerRoleArn": "arn:aws:iam::111122223333:role/worker", "AuthorRoleArn": "arn:aws:iam::111122223333:role/author",
    "DatabaseHost": "db.example.org", "LoginSecret": "arn:login", "StoresSecret": "arn:stores", "WebSecret": "arn:web",
    "GitSecret": "arn:git", "NetworksSecret": "arn:networks", "WebTargetGroup": "arn:group", "WebClients": "sg-1"}
"""What the services of ECS are told."""


class _Short(yaml.SafeLoader):
    """Reads CloudFormation's short forms: `!Ref x` is {"Ref": x}, `!GetAtt a.b` is {"Fn::GetAtt": a.b}."""


def _short(loader: Any, tag: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    return {tag if tag in ("Ref", "Condition") else f"Fn::{tag}": value}


_Short.add_multi_constructor("!", _short)


class Stack:
    """A template with its parameters filled in: every function worked out, names and ARNs as AWS would make them."""

    def __init__(self, template: Path, **parameters: str) -> None:
        self.said = yaml.load(template.read_text(encoding="utf-8"), Loader=_Short)
        self._parameters: dict[str, Any] = {**_PSEUDO}
        for name, about in self.said["Parameters"].items():
            value = str(parameters.pop(name)) if name in parameters else str(about["Default"])
            assert re.fullmatch(about.get("AllowedPattern", ".*"), value, re.DOTALL), f"{name} may not be {value}"
            assert value in about.get("AllowedValues", [value]), f"{name} may not be {value}"
            self._parameters[name] = value.split(",") if about["Type"].startswith("List<") else value
        assert not parameters, f"no parameters of the template: {parameters}"
        self.resources: dict[str, Any] = {
            name: self._out(about["Properties"]) for name, about in self.said["Resources"].items()
            if "Condition" not in about or self._holds(about["Condition"])}

    def policy(self, name: str) -> Document:
        """The policy document of a resource."""
        document: Document = self.resources[name]["PolicyDocument"]
        return document

    def kind(self, name: str) -> str:
        kind: str = self.said["Resources"][name]["Type"]
        return kind

    def arn(self, name: str) -> str:
        kind = self.kind(name)
        if kind == "AWS::S3::Bucket":
            return f"arn:aws:s3:::{self._parameters['BucketName']}"
        service = kind.split("::")[1].lower()
        what = {"AWS::IAM::Role": "role", "AWS::IAM::ManagedPolicy": "policy"}.get(kind, kind.split("::")[2].lower())
        return f"arn:aws:{service}:{'' if service == 'iam' else REGION}:{ACCOUNT}:{what}/{name}"

    def _holds(self, name: str) -> bool:
        return bool(self._out(self.said["Conditions"][name]))

    def _out(self, node: Any) -> Any:
        if isinstance(node, list):
            return [out for one in node if (out := self._out(one)) is not _NOTHING]
        if not isinstance(node, dict):
            return node
        if len(node) != 1 or not (function := next(iter(node))).startswith(("Fn::", "Ref")):
            return {key: out for key, one in node.items() if (out := self._out(one)) is not _NOTHING}
        return self._function(function, node[function])

    def _function(self, function: str, told: Any) -> Any:
        match function:
            case "Ref":
                return self._ref(told)
            case "Fn::GetAtt":
                name, _, what = told.partition(".")
                assert what in ("Arn", "Name"), told
                return self.arn(name) if what == "Arn" else name
            case "Fn::Sub":
                return re.sub(r"\$\{([^}!]+)\}", lambda one: str(
                    self._function("Fn::GetAtt", one[1]) if "." in one[1] else self._ref(one[1])), told)
            case "Fn::If":
                return self._out(told[1] if self._holds(told[0]) else told[2])
            case "Fn::Not":
                return not self._out(told[0])
            case "Fn::Equals":
                return str(self._out(told[0])) == str(self._out(told[1]))
        raise AssertionError(f"{function} is not known here")

    def _ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return _NOTHING
        if name in self._parameters:
            return self._parameters[name]
        return self.arn(name) if self.kind(name) != "AWS::S3::Bucket" else self._parameters["BucketName"]


class Cloud(NamedTuple):
    """Who may do what in the archive, by the policies of the stack. Every principal is one of the account."""

    stack: Stack

    def may(self, role: str, action: str, key: str | None = None, **context: str) -> bool:
        """Whether `role` may do `action` to the object `key`, or to the bucket.

        `role`: a role of the stack, or `Admin`, who is allowed everything by policies of the account's own.
        `context`: condition keys, `_` for `:` and a dash; by TLS unless told.
        """
        keys = {"aws:SecureTransport": "true", "aws:PrincipalArn": self.principal(role),
                **{name.replace("__", "-").replace("_", ":", 1): value for name, value in context.items()}}
        resource = self.stack.arn("Archive") + (f"/{key}" if key is not None else "")
        return _judged([*self._own(role), *self.stack.policy("ArchivePolicy")["Statement"]],
                       action, resource, self.principal(role), keys)

    def may_use_key(self, role: str, action: str, **context: str) -> bool:
        """Whether the key's policy alone allows `action`; nothing else does."""
        keys = {name.replace("_", ":", 1): value for name, value in context.items()}
        statements = self.stack.resources["Key"]["KeyPolicy"]["Statement"]
        return _judged(statements, action, self.stack.arn("Key"), self.principal(role), keys)

    def principal(self, role: str) -> str:
        return f"arn:aws:iam::{ACCOUNT}:role/Admin" if role == "Admin" else self.stack.arn(role)

    def _own(self, role: str) -> Iterator[Document]:
        if role == "Admin":
            yield {"Effect": "Allow", "Action": "*", "Resource": "*"}
            return
        for policy in self.stack.resources[role]["ManagedPolicyArns"]:
            yield from self.stack.policy(policy.rpartition("/")[2])["Statement"]


def listed(said: Any) -> list[Any]:
    return said if isinstance(said, list) else [said]


def _judged(statements: Sequence[Document], action: str, resource: str, principal: str, keys: Document) -> bool:
    """What AWS decides: a denial that applies wins; else something has to allow it."""
    meant = [one["Effect"] for one in statements if _applies(one, action, resource, principal, keys)]
    return "Allow" in meant and "Deny" not in meant


def _applies(one: Document, action: str, resource: str, principal: str, keys: Document) -> bool:
    known = {"Sid", "Effect", "Principal", "Action", "Resource", "Condition"}
    assert set(one) <= known, f"the judge does not know {set(one) - known}"
    if "Principal" in one:
        named = ["*"] if one["Principal"] == "*" else listed(one["Principal"]["AWS"])
        # the account's root stands for whoever policies of the account allow it: nobody here but Admin
        root = f"arn:aws:iam::{ACCOUNT}:root" in named and principal.endswith("/Admin")
        if not ({"*", principal} & set(named) or root):
            return False
    return (any(_like(wanted, action) for wanted in listed(one["Action"]))
            and any(_like(wanted, resource) for wanted in listed(one["Resource"]))
            and all(_is_met(operator, key, [str(value) for value in listed(values)], keys.get(key))
                    for operator, about in one.get("Condition", {}).items() for key, values in about.items()))


def _is_met(operator: str, key: str, wanted: list[str], given: str | None) -> bool:
    if operator == "Null":
        return wanted == ["true"] if given is None else wanted == ["false"]
    if operator.endswith("IfExists"):
        return given is None or _is_met(operator.removesuffix("IfExists"), key, wanted, given)
    if operator == "ArnNotEquals":
        return given is None or given not in wanted
    compare: Callable[[str, str], bool] = {
        "Bool": str.__eq__, "StringEquals": str.__eq__, "StringLike": _like}[operator]
    return given is not None and any(compare(one, given) for one in wanted)


def _like(wanted: str, given: str) -> bool:
    pattern = "".join(".*" if one == "*" else "." if one == "?" else re.escape(one) for one in wanted)
    return re.fullmatch(pattern, given, re.DOTALL) is not None


class ObedientS3(NamedTuple):
    """Moto's S3 on loopback, asked only for what the policies allow. The access key names the role."""

    url: str
    archive: str
    refused: list[tuple[str, str, str]]

    def environment(self, role: str) -> dict[str, str]:
        return {"AWS_ENDPOINT_URL": self.url, "AWS_ACCESS_KEY_ID": role, "AWS_SECRET_ACCESS_KEY": "none",
                "AWS_REGION": REGION, "AWS_CONFIG_FILE": "/dev/null", "AWS_EC2_METADATA_DISABLED": "true"}


def asked(method: str, path: str, query: str, headers: Mapping[str, str]) -> tuple[str, str | None, dict[str, str]]:
    """The action, the key and the condition keys of a request to S3."""
    _, _, key = path.lstrip("/").partition("/")
    said = parse_qs(query, keep_blank_values=True)
    if not key and method == "GET" and "list-type" in said:
        return "s3:ListBucket", None, {"s3_prefix": said["prefix"][0]} if "prefix" in said else {}
    if method == "PUT" and key:
        condition = headers.get("HTTP_IF_NONE_MATCH")
        return "s3:PutObject", key, {"s3_if__none__match": condition} if condition else {}
    if method in ("GET", "HEAD") and key:
        return "s3:GetObject", key, {}
    if method == "DELETE" and key:
        return "s3:DeleteObject", key, {}
    raise AssertionError(f"{method} {path}?{query}: nobody knows which permission this needs")


@pytest.fixture(scope="session")
def archive() -> Callable[..., Cloud]:
    """The archive's template, with parameters."""
    return lambda **parameters: Cloud(Stack(INFRA / "archive.cfn.yaml",
                                            **{"BucketName": "millrace-archive", **parameters}))


@pytest.fixture(scope="session")
def ecs() -> Callable[..., Stack]:
    """The template of the services of ECS, with parameters."""
    return lambda **parameters: Stack(INFRA / "ecs/drumbeat.cfn.yaml", **{**_GIVEN, **parameters})


@pytest.fixture
def obedient(archive: Callable[..., Cloud]) -> Iterator[ObedientS3]:
    """An S3 with an archive that does what the template's policies say, and notes what it refused."""
    cloud = archive(BucketName=f"archive-{uuid.uuid4().hex}")
    moto, refused = DomainDispatcherApplication(create_backend_app), list[tuple[str, str, str]]()

    def app(environ: Any, start_response: Any) -> Any:
        role = re.search(r"Credential=(\w+)/", environ.get("HTTP_AUTHORIZATION", ""))
        assert role is not None, "a request that nobody signed"
        if role[1] != _MAKER:
            action, key, context = asked(environ["REQUEST_METHOD"], environ["PATH_INFO"], environ["QUERY_STRING"],
                                         environ)
            if not cloud.may(role[1], action, key, **context):
                refused.append((role[1], action, key or ""))
                start_response("403 Forbidden", [("Content-Type", "application/xml")])
                return [b"<Error><Code>AccessDenied</Code><Message>by policy</Message></Error>"]
        return moto(environ, start_response)

    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=MotoRequestHandler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}"
    s3 = boto3.Session(_MAKER, "none", region_name=REGION).client("s3", endpoint_url=url)
    bucket = cloud.stack.resources["Archive"]["BucketName"]
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    yield ObedientS3(url, f"s3://{bucket}/season", refused)
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def club(tmp_path: Path) -> Path:
    """A content folder, committed: one channel, and one post with a picture that was due at noon of 2027-03-01."""
    home = tmp_path / "club"
    for path, text in (
        ("strategy.yaml", "strategy: ours\nstart: 2026-01-01\ntimezone: UTC\n"),
        ("networks/channels.yaml", 'channels:\n  - {id: mastodon, network: mastodon, handle: "@mill"}\n'),
        ("posts/hello.md", "---\nat: 2027-03-01 12:00\nchannels: [mastodon]\n---\nThe mill turns again.\n"),
    ):
        file = home / "content" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    for words in (("init", "--quiet", "--initial-branch=main"), ("add", "--all"),
                  ("-c", "user.name=Wren", "-c", "user.email=wren@millrace.example", "-c", "commit.gpgsign=false",
                   "commit", "--quiet", "--message", "Say hello")):
        subprocess.run(["git", *words], cwd=home, check=True, capture_output=True)
    return home / "content"
