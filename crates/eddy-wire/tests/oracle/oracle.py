"""botocore as the judge of our wire formats.

Started by tests/it/oracle.rs, it talks in lines of JSON:

1. It prints one line per case. A `request` is what botocore's serializer sends for a generated input, with that
   input in typed JSON. An `answer`, `events` and an `error` are values that Rust has to encode. `end` is last.
2. It reads Rust's HTTP response for each case but the requests, has botocore's parser read it, and compares.
3. It prints `{"failed": [...]}`.

Typed JSON: structures and maps are objects, bytes are {"$b": base64}, points in time {"$t": milliseconds}.
"""

import base64
import copy
import datetime
import json
import pathlib
import sys

import botocore.loaders
from botocore import parsers, serialize
from botocore.awsrequest import create_request_object, prepare_request_dict
from botocore.eventstream import EventStream
from botocore.handlers import parse_get_bucket_location
from botocore.model import ServiceModel
from urllib3._collections import HTTPHeaderDict

SCHEMA = pathlib.Path(__file__).resolve().parents[2] / "schema"
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
DEPTH_MAX = 5

# Each operation is tried with each: what is required only, all with plain values, all with odd ones.
VARIANTS = ("required", "plain", "odd")

# Writes `Event` and `Events` as elements of one name: botocore cannot read its own.
AMBIGUOUS = ("GetBucketNotification",)


class Generator:
    """Values for a shape, the same at each run."""

    def __init__(self, variant):
        self.variant = variant
        self.count = 0

    def number(self):
        self.count += 1
        return self.count

    def value(self, shape, name, place="body", depth=0):
        make = getattr(self, f"make_{shape.type_name}")
        return make(shape, name, place, depth)

    def make_structure(self, shape, name, place, depth):
        members = list(shape.members.items())
        if shape.metadata.get("union"):
            # Forms cannot say that a structure is there and empty.
            members = [item for item in members if item[1].type_name != "structure" or item[1].members]
            index = 0 if self.variant != "odd" or depth > 2 else len(members) - 1
            members = members[index : index + 1]
        value = {}
        for member, inner in members:
            where = inner.serialization.get("location", "body")
            if inner.serialization.get("eventstream"):
                continue
            is_required = member in shape.metadata.get("required", []) or shape.metadata.get("union")
            if not is_required and (self.variant == "required" or depth >= DEPTH_MAX):
                continue
            if depth >= 2 * DEPTH_MAX:
                continue
            if inner.serialization.get("hostLabel") or where == "statusCode":
                value[member] = 203 if where == "statusCode" else "plain"
                continue
            value[member] = self.value(inner, member, where, depth + 1)
        if not value and depth > 0:
            single = (item for item in members if item[1].type_name not in ("structure", "list", "map"))
            for member, inner in list(single)[:1]:
                value[member] = self.value(inner, member, "body", depth + 1)
        return value

    def make_list(self, shape, name, place, depth):
        if depth >= 2 * DEPTH_MAX:
            return []
        if self.variant == "odd" and place == "body" and depth > 3:
            return [self.value(shape.member, name, place, depth + 1)]
        return [self.value(shape.member, name, place, depth + 1) for _ in range(2)]

    def make_map(self, shape, name, place, depth):
        if depth >= 2 * DEPTH_MAX:
            return {}
        keys = [f"key{self.number()}", f"other-{self.number()}"]
        if self.variant == "odd" and place == "body":
            keys[0] = f'k {self.number()}.&<"é/'
        return {key: self.value(shape.value, name, place, depth + 1) for key in keys}

    def make_string(self, shape, name, place, depth):
        text = f"{name}-{self.number()}"
        if self.variant != "odd":
            return text
        if place == "uri":
            return f"{text} a/b+c%2F:é&?#"
        if place == "querystring":
            return f"{text} a+b&c=d%20é/"
        if place in ("header", "headers"):
            return f'{text} a, "b" =c;d'
        return f"{text} <a>&amp;\"'\\\n\té\U0001F600 "

    def make_boolean(self, shape, name, place, depth):
        return self.number() % 2 == 0

    def make_integer(self, shape, name, place, depth):
        return self.number() if self.variant != "odd" else self.number() - 2**31

    def make_long(self, shape, name, place, depth):
        return self.number() if self.variant != "odd" else 2**53 + self.number()

    def make_float(self, shape, name, place, depth):
        return self.number() + 0.5

    def make_double(self, shape, name, place, depth):
        return self.number() + 0.25 if self.variant != "odd" else -1.5e-7 * self.number()

    def make_blob(self, shape, name, place, depth):
        payload = f"blob {self.number()}"
        return payload.encode() if self.variant != "odd" or place == "payload" else b"\x00\xff" + payload.encode()

    def make_timestamp(self, shape, name, place, depth):
        seconds = 1767323045 + self.number()
        # Headers and HTTP dates are written in whole seconds.
        is_whole = place != "body" or shape.serialization.get("timestampFormat") == "rfc822"
        millis = 678 if self.variant == "odd" and not is_whole else 0
        return EPOCH + datetime.timedelta(seconds=seconds, milliseconds=millis)


def typed(value):
    """A Python value as typed JSON."""
    if isinstance(value, dict):
        return {key: typed(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [typed(inner) for inner in value]
    if isinstance(value, (bytes, bytearray)):
        return {"$b": base64.b64encode(value).decode()}
    if isinstance(value, datetime.datetime):
        return {"$t": round((value - EPOCH).total_seconds() * 1000)}
    return value


def model_of(name, protocol, supplement):
    """botocore's model; for SQS in forms with the names that only our supplement has."""
    data = botocore.loaders.Loader(include_default_extras=False).load_service_model(name, "service-2")
    ours = supplement["services"].get(name, {})
    if protocol in ours.get("protocols", []):
        data = copy.deepcopy(data)
        data["metadata"]["xmlNamespace"] = ours["xmlNamespace"]
        data["metadata"].pop("awsQueryCompatible", None)
        shapes = data["shapes"]
        for path, wire in ours["queryNames"].items():
            shape, member = path.split(".")
            shapes[shape]["members"][member]["locationName"] = wire
        for shape, wire in ours["elementNames"].items():
            shapes[shape]["member"]["locationName"] = wire
        for shape, (key, value) in ours["entryNames"].items():
            shapes[shape]["key"]["locationName"] = key
            shapes[shape]["value"]["locationName"] = value
        for operation, body in data["operations"].items():
            if "output" in body:
                body["output"]["resultWrapper"] = f"{operation}Result"
        for shape, facts in ours["errors"].items():
            if "code" in facts:
                shapes[shape]["error"] = {"code": facts["code"]}
    return ServiceModel(data, name)


def prepare_input(shape, value, protocol):
    """What botocore is given, and what the server has to see."""
    seen = dict(value)
    payload = shape.serialization.get("payload")
    if protocol == "rest-json" and payload and shape.members[payload].type_name == "structure":
        # A payload that is not given is sent as an empty one.
        seen.setdefault(payload, {})
    for member, inner in shape.members.items():
        is_payload = shape.serialization.get("payload") == member
        if is_payload and inner.type_name == "blob" and member in value:
            value[member] = seen[member] = b"payload \x00\xff"
        if inner.serialization.get("streaming"):
            seen.pop(member, None)
    return value, seen


def request(serializer, operation, value):
    serialized = serializer.serialize_to_request(value, operation)
    prepare_request_dict(serialized, endpoint_url="http://localhost")
    prepared = create_request_object(serialized).prepare()
    body = prepared.body or b""
    body = body.encode() if isinstance(body, str) else bytes(body)
    headers = [
        (key, item.decode() if isinstance(item, bytes) else str(item)) for key, item in prepared.headers.items()
    ]
    host, _, rest = prepared.url.partition("://")[2].partition("/")
    return {
        "method": prepared.method,
        "uri": "/" + rest,
        "headers": headers,
        "body": base64.b64encode(body).decode(),
    }


def cases(service, protocol, model):
    serializer = serialize.create_serializer(protocol, include_validation=False)
    for name in model.operation_names:
        operation = model.operation_model(name)
        common = {"service": service, "protocol": protocol, "operation": name}
        for variant in VARIANTS:
            given, seen = {}, {}
            if operation.input_shape is not None:
                given = Generator(variant).value(operation.input_shape, name)
                given, seen = prepare_input(operation.input_shape, given, protocol)
            sent = request(serializer, operation, given)
            for member, inner in operation.input_shape.members.items() if operation.input_shape else ():
                if inner.serialization.get("name") == "Content-Length":
                    length = next((text for key, text in sent["headers"] if key == "Content-Length"), None)
                    seen |= {member: int(length)} if length is not None else {}
            yield {"kind": "request", "variant": variant, "value": typed(seen), **common, **sent}
            output = operation.output_shape
            value = Generator(variant).value(output, name) if output is not None else {}
            if output is not None:
                value = prepare_output(output, value)
            if name in AMBIGUOUS:
                continue
            yield {"kind": "answer", "variant": variant, "value": typed(value), **common}
        if operation.has_event_stream_output:
            yield {"kind": "events", "variant": "plain", "value": events(operation), **common}
    for shape in model.error_shapes:
        value = Generator("plain").value(shape, shape.name)
        message = next((member for member in value if member.lower() == "message"), None)
        value.pop(message, None)
        yield {
            "kind": "error",
            "variant": "plain",
            "service": service,
            "protocol": protocol,
            "operation": shape.name,
            "value": typed(value),
        }


def prepare_output(shape, value):
    for member, inner in shape.members.items():
        is_payload = shape.serialization.get("payload") == member
        if is_payload and inner.type_name in ("blob", "string") and member in value:
            value[member] = b"payload" if inner.type_name == "blob" else "payload"
        if inner.serialization.get("streaming"):
            value.pop(member, None)
    return value


def events(operation):
    """Each event of a stream, and what the output holds besides."""
    output = operation.output_shape
    stream = output.members[output.event_stream_name]
    made = []
    for event, shape in stream.members.items():
        if shape.metadata.get("exception"):
            continue
        made.append({event: typed(Generator("plain").value(shape, event))})
    return {"member": output.event_stream_name, "events": made}


class Chunks:
    """A body as EventStream reads it."""

    def __init__(self, body):
        self.body = body

    def stream(self):
        yield self.body

    def close(self):
        pass


def difference(expected, found, path=""):
    """Where what botocore parsed is not what was meant; None where it is.

    A payload of bytes comes as text from its parser."""
    if isinstance(expected, dict) and "$b" in expected:
        raw = base64.b64decode(expected["$b"])
        is_same = found in (raw, raw.decode("utf-8", "replace"))
    elif isinstance(expected, dict) and "$t" in expected:
        is_same = isinstance(found, datetime.datetime) and typed(found) == expected
    elif isinstance(expected, dict) and isinstance(found, dict) and expected.keys() == found.keys():
        inner = (difference(value, found[key], f"{path}.{key}") for key, value in expected.items())
        return next(filter(None, inner), None)
    elif isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        inner = (difference(*pair, f"{path}.{at}") for at, pair in enumerate(zip(expected, found)))
        return next(filter(None, inner), None)
    else:
        is_same = type(expected) is type(found) and expected == found
    return None if is_same else f"{path}: expected {expected!r}, parsed {found!r}"


def check(case, reply, model):
    """None, or a sentence."""
    headers = HTTPHeaderDict()
    for key, value in reply["headers"]:
        headers.add(key, value)
    body = base64.b64decode(reply["body"])
    response = {"status_code": reply["status"], "headers": headers, "body": body, "context": {}}
    parser = parsers.create_parser(case["protocol"])
    if case["kind"] == "error":
        return check_error(case, response, parser, model)
    operation = model.operation_model(case["operation"])
    response["context"]["operation_name"] = operation.name
    if case["kind"] == "events":
        return check_events(case, response, parser, operation, body)
    if operation.has_event_stream_output:
        # The frames are checked on their own.
        return None
    parsed = parser.parse(response, operation.output_shape)
    metadata = parsed.pop("ResponseMetadata", {})
    if case["operation"] == "GetBucketLocation":
        http = type("Response", (), {"content": body, "raw": True})()
        parse_get_bucket_location(parsed, http)
        # The oldest region is said by saying none.
        parsed = {key: inner for key, inner in parsed.items() if inner is not None}
    for member, inner in (operation.output_shape.members if operation.output_shape else {}).items():
        if inner.serialization.get("streaming"):
            parsed.pop(member, None)
    expected = case["value"]
    if operation.output_shape is not None:
        payload = operation.output_shape.serialization.get("payload")
        # A payload that is not there parses as an empty one, and so do headers with a prefix.
        for member, inner in operation.output_shape.members.items():
            is_hollow = member == payload or inner.serialization.get("location") == "headers"
            if member not in expected and is_hollow and not parsed.get(member):
                parsed.pop(member, None)
            if member not in expected and inner.serialization.get("location") == "statusCode":
                parsed.pop(member, None)
    differs = difference(expected, parsed)
    if differs:
        return f"{differs}, body {body[:2000]!r}"
    # Nor does botocore look for it in CBOR where there is no output.
    has_id = operation.output_shape is not None or case["protocol"] != "smithy-rpc-v2-cbor"
    if case["protocol"] != "rest-xml" and has_id and metadata.get("RequestId") != "request-id":
        return f"no request id in {metadata}"
    return None


def check_events(case, response, parser, operation, body):
    response["body"] = Chunks(body)
    parsed = parser.parse(response, operation.output_shape)
    found = list(parsed[case["value"]["member"]])
    return difference(case["value"]["events"], found)


def check_error(case, response, parser, model):
    shape = model.shape_for(case["operation"])
    parsed = parser.parse(response, None)
    error = parsed["Error"]
    code = shape.error_code
    if model.is_query_compatible and case["protocol"] != "query":
        ours = SUPPLEMENT["services"][case["service"]].get("errors", {}).get(shape.name, {})
        code = ours.get("code", code)
        if error.get("QueryErrorCode") != shape.name or error.get("Type") not in ("Sender", "Receiver"):
            return f"no query error in {error}"
    if error["Code"] != code or error["Message"] != "the <message>":
        return f"expected {code}, parsed {error}"
    status = shape.metadata.get("error", {}).get("httpStatusCode")
    if status is not None and response["status_code"] != status:
        return f"status {response['status_code']}, and the model says {status}"
    modelled = parser.parse(response, shape)
    modelled = {key: inner for key, inner in modelled.items() if key.lower() != "message"}
    modelled.pop("ResponseMetadata", None)
    expected = case["value"]
    if case["service"] == "lambda" and "Type" in shape.members:
        modelled.pop("Type", None)
        expected.pop("Type", None)
    return difference(expected, modelled)


def say(value):
    sys.stdout.write(json.dumps(value) + "\n")


def main():
    index = json.loads((SCHEMA / "index.json").read_text())
    models = {}
    pending = []
    for service, facts in index["services"].items():
        ours = SUPPLEMENT["services"].get(service, {})
        for protocol in facts["protocols"] + ours.get("protocols", []):
            model = models[service, protocol] = model_of(service, protocol, SUPPLEMENT)
            for case in cases(service, protocol, model):
                say(case)
                if case["kind"] != "request":
                    pending.append(case)
    say({"kind": "end"})
    sys.stdout.flush()
    failed = []
    for case in pending:
        reply = json.loads(sys.stdin.readline())
        model = models[case["service"], case["protocol"]]
        try:
            why = check(case, reply, model)
        except Exception as error:  # a parser that gives up is a finding, not the end
            why = f"{type(error).__name__}: {error}, body {base64.b64decode(reply['body'])[:2000]!r}"
        if why is not None:
            failed.append(f"{case['service']} {case['protocol']} {case['operation']} {case['kind']} {case['variant']}: {why}")
    say({"failed": failed})


SUPPLEMENT = json.loads((SCHEMA / "supplement.json").read_text())

if __name__ == "__main__":
    main()
