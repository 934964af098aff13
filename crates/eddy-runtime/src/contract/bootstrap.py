"""Runs a Python handler for eddy: one event in, one answer out, over an inherited socket.

The handler sees what it sees on AWS: the same event, context, error documents, logger and search path. What is
not needed before the handler is not imported before it either; `logging` is set up when somebody imports it.

Frames, both ways: length of what follows (4 bytes, big endian), kind (1 byte), body.
"""
import builtins
import os
import sys

CHANNEL = 3
RECORDS = 4
RESPONSE_BYTES_MAX = 6 * 1024 * 1024 + 100
STDLIB = list(sys.path[1:]) if sys.path and sys.path[0] in ("", os.path.dirname(__file__)) else list(sys.path)
TASK_ROOT = os.environ.get("LAMBDA_TASK_ROOT", "/var/task")
LAYERS = os.environ.get("EDDY_LAYERS", "/opt")
LIBRARIES = os.environ.get("EDDY_LIBRARIES", "/var/runtime")
for name in ("EDDY_LAYERS", "EDDY_LIBRARIES"):
    os.environ.pop(name, None)

# Before user code can be found, so that a json.py of the user's does not stand in for it.
import importlib  # noqa: E402
import json  # noqa: E402
from importlib.machinery import PathFinder  # noqa: E402

request_id = None
tenant_id = None


class Fault(Exception):
    """A failure that the runtime, not the handler, found."""

    def __init__(self, kind, message, trace=None):
        super().__init__(message)
        self.kind = "Runtime." + kind
        self.message = message
        self.trace = trace


# ---- channel


def send(kind, *parts):
    size = 1 + sum(map(len, parts))
    pending = [size.to_bytes(4, "big") + kind, *parts]
    while pending:
        written = os.writev(CHANNEL, pending)
        while pending and written >= len(pending[0]):
            written -= len(pending.pop(0))
        if written:
            pending[0] = memoryview(pending[0])[written:]


def receive():
    """The next frame's kind and body. The server's end is the process's end."""
    got = os.read(CHANNEL, 65536)
    while 0 < len(got) < 4:
        got += os.read(CHANNEL, 65536)
    if not got:
        os._exit(0)
    size = int.from_bytes(got[:4], "big")
    if len(got) < size + 4:
        parts = [got]
        missing = size + 4 - len(got)
        while missing:
            more = os.read(CHANNEL, min(missing, 1 << 20))
            if not more:
                os._exit(0)
            parts.append(more)
            missing -= len(more)
        got = b"".join(parts)
    return got[4:5], memoryview(got)[5:]


# ---- what goes to the log


class Flushed:
    """Standard output of which nothing is lost when the process dies."""

    def __init__(self, stream):
        self.stream = stream

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def __getattr__(self, name):
        return getattr(self.stream, name)

    def write(self, text):
        self.stream.write(text)
        self.stream.flush()

    def writelines(self, texts):
        self.stream.writelines(texts)
        self.stream.flush()


class Records:
    """The log descriptor: each record is one event, however many lines it has."""

    TEXT = {0: 0xA55A0003, 10: 0xA55A000B, 20: 0xA55A000F, 30: 0xA55A0013, 40: 0xA55A0017, 50: 0xA55A001B}

    def log(self, text, level=0, structured=False):
        import time

        body = text.encode("utf8", "backslashreplace")
        head = (self.TEXT.get(level, self.TEXT[0]) - structured).to_bytes(4, "big")
        head += len(body).to_bytes(4, "big") + (time.time_ns() // 1000).to_bytes(8, "big")
        body = memoryview(head + body)
        while body:
            body = body[os.write(RECORDS, body) :]


records = Records()
json_logs = os.environ.get("AWS_LAMBDA_LOG_FORMAT", "").upper() == "JSON"
log_level = os.environ.get("AWS_LAMBDA_LOG_LEVEL", "").upper().replace("TRACE", "DEBUG")


def log_error(document):
    if json_logs:
        import time

        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        records.log(encode({"timestamp": stamp, "level": "ERROR", **document}), 40, True)
        return
    line = "[ERROR]"
    if document["errorType"]:
        line += " " + document["errorType"]
    if document["errorMessage"]:
        line += (":" if document["errorType"] else "") + " " + document["errorMessage"]
    lines = [line, "Traceback (most recent call last):"]
    for element in document["stackTrace"]:
        for one in element.splitlines() if element else [""]:
            bare = one.lstrip(" ")
            lines.append("\u00a0" * (len(one) - len(bare)) + bare)
    records.log("\n".join(lines), 40)


class Standard:
    """Takes from the standard library what Amazon's runtime has imported before user code can be found, and sets the
    root logger up at the moment `logging` is first imported."""

    NAMES = frozenset(
        "logging traceback linecache tokenize token textwrap warnings threading weakref string decimal numbers "
        "collections contextlib".split()
    )

    def find_spec(self, name, path=None, target=None):
        if name not in self.NAMES:
            return None
        spec = PathFinder.find_spec(name, STDLIB)
        if name == "logging" and spec:
            load = spec.loader.exec_module

            def exec_module(module):
                load(module)
                set_up_logging(module)

            spec.loader.exec_module = exec_module
        return spec


class MissingLibraries:
    """Says what to type when nobody has boto3: asked last, when it was found neither in the code nor elsewhere."""

    NAMES = ("boto3", "botocore")

    def find_spec(self, name, path=None, target=None):
        if name in self.NAMES:
            raise ModuleNotFoundError(
                f"No module named '{name}': it is not installed for functions yet, type: eddy runtime install", name=name
            )
        return None


def set_up_logging(logging):
    import time

    class LambdaLoggerHandler(logging.Handler):
        def __init__(self, log_sink):
            logging.Handler.__init__(self)
            self.log_sink = log_sink

        def emit(self, record):
            text = self.format(record)
            self.log_sink.log(text[:-1] if text.endswith("\n") else text, level_of(record), json_logs)

    class LambdaLoggerFilter(logging.Filter):
        def filter(self, record):
            record.aws_request_id = request_id or ""
            record.tenant_id = tenant_id
            return True

    class JsonFormatter(logging.Formatter):
        def __init__(self):
            super().__init__(datefmt="%Y-%m-%dT%H:%M:%SZ")

        def format(self, record):
            return structured(logging, self, record)

    logging.Formatter.converter = time.gmtime
    handler = LambdaLoggerHandler(records)
    if json_logs:
        handler.setFormatter(JsonFormatter())
    else:
        line = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s\n"
        handler.setFormatter(logging.Formatter(line, "%Y-%m-%dT%H:%M:%S"))
    root = logging.getLogger()
    if log_level in logging._nameToLevel:
        root.setLevel(log_level)
    handler.addFilter(LambdaLoggerFilter())
    root.addHandler(handler)


def level_of(record):
    return min(50, max(0, record.levelno)) // 10 * 10


PLAIN_FIELDS = frozenset(
    "name msg args levelname levelno pathname filename module exc_info exc_text stack_info lineno funcName created "
    "msecs relativeCreated thread threadName processName process aws_request_id tenant_id".split()
)


def structured(logging, formatter, record):
    """A record as one JSON object."""
    level = level_of(record)
    message = record.msg if isinstance(record.msg, dict) and not record.args else record.getMessage()
    fields = {
        "timestamp": formatter.formatTime(record, formatter.datefmt),
        "level": logging.getLevelName(level),
        "message": message,
        "logger": record.name,
    }
    if record.exc_info:
        import traceback

        fields["stackTrace"] = traceback.format_tb(record.exc_info[2])
        fields["errorType"] = record.exc_info[0].__name__
        fields["errorMessage"] = str(record.exc_info[1])
    fields["requestId"] = record.aws_request_id
    if record.exc_info:
        fields["location"] = f"{record.pathname}:{record.funcName}:{record.lineno}"
    if record.tenant_id is not None:
        fields["tenantId"] = record.tenant_id
    for key, value in record.__dict__.items():
        if key not in PLAIN_FIELDS and key not in fields:
            fields[key] = value
    fields = {key: value for key, value in fields.items() if value is not None}
    return json.dumps(fields, ensure_ascii=False, default=str) + "\n"


# ---- answers as JSON

ASCII = os.environ.get("AWS_EXECUTION_ENV", "") in {"AWS_Lambda_python3.10", "AWS_Lambda_python3.11"}
PLAIN = frozenset((str, int, float, bool, type(None)))
encode_plain = json.JSONEncoder(ensure_ascii=ASCII).encode
encode_text = json.encoder.encode_basestring_ascii if ASCII else json.encoder.encode_basestring


def encode(value):
    """JSON as AWS writes it: decimals as numbers, named tuples as objects, bytes as text."""
    try:
        plain = is_plain(value)
    except RecursionError:
        plain = False
    if plain:
        return encode_plain(value)
    parts = []
    write(value, parts.append, set())
    return "".join(parts)


def is_plain(value):
    """Does the library's encoder, which is written in C, give the same for it?"""
    kind = type(value)
    if kind is dict:
        for key, one in value.items():
            if type(key) not in PLAIN or type(one) not in PLAIN and not is_plain(one):
                return False
        return True
    if kind is list or kind is tuple:
        for one in value:
            if type(one) not in PLAIN and not is_plain(one):
                return False
        return True
    return kind in PLAIN


def write(value, out, open_):
    if value is None or isinstance(value, (bool, float)):
        out(encode_plain(value))
    elif isinstance(value, str):
        out(encode_text(str.__str__(value)))
    elif isinstance(value, bytes):
        out(encode_text(str(value, "utf-8")))
    elif isinstance(value, int):
        out(int.__repr__(value))
    else:
        if id(value) in open_:
            raise ValueError("Circular reference detected")
        open_.add(id(value))
        write_composed(value, out, open_)
        open_.discard(id(value))


def write_composed(value, out, open_):
    as_dict = getattr(value, "_asdict", None)
    if callable(as_dict):
        value = as_dict()
    if isinstance(value, dict):
        comma = "{"
        for key, one in value.items():
            out(comma + encode_text(key_text(key)) + ": ")
            write(one, out, open_)
            comma = ", "
        out("{}" if comma == "{" else "}")
    elif isinstance(value, (list, tuple)):
        comma = "["
        for one in value:
            out(comma)
            write(one, out, open_)
            comma = ", "
        out("[]" if comma == "[" else "]")
    else:
        out(number_text(value))


def number_text(value):
    decimal = sys.modules.get("decimal")
    if decimal and isinstance(value, decimal.Decimal):
        return "NaN" if value.is_nan() else str(value)
    raise TypeError("Object of type %s is not JSON serializable" % type(value).__name__)


def key_text(key):
    if isinstance(key, str):
        return str.__str__(key)
    if isinstance(key, bytes):
        return str(key, "utf-8")
    if key is None or isinstance(key, (bool, float)):
        return encode_plain(key)
    if isinstance(key, int):
        return int.__repr__(key)
    raise TypeError("keys must be str, int, float, bool or None, not %s" % type(key).__name__)


# ---- the context


class Fields:
    """An object with the attributes of a dict, those that the class names."""

    __slots__ = ()

    @classmethod
    def of(cls, values):
        if values is None:
            return None
        made = cls()
        for name in cls.__slots__:
            setattr(made, name, values.get(name))
        return made

    def __repr__(self):
        return f"{type(self).__name__}([{','.join(f'{name}={getattr(self, name)}' for name in self.__slots__)}])"


class CognitoIdentity(Fields):
    __slots__ = ["cognito_identity_id", "cognito_identity_pool_id"]


class Client(Fields):
    __slots__ = ["installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name"]


class ClientContext(Fields):
    __slots__ = ["custom", "env", "client"]


class LambdaContext:
    def __init__(self, invoke_id, client_context, cognito_identity, deadline_ms, function_arn, tenant):
        variable = os.environ.get
        self.aws_request_id = invoke_id
        self.log_group_name = variable("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = variable("AWS_LAMBDA_LOG_STREAM_NAME")
        self.function_name = variable("AWS_LAMBDA_FUNCTION_NAME")
        self.memory_limit_in_mb = variable("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.function_version = variable("AWS_LAMBDA_FUNCTION_VERSION")
        self.invoked_function_arn = function_arn
        self.tenant_id = tenant
        carried = client_context.pop("w3c", None) if isinstance(client_context, dict) else None
        names = ("traceparent", "tracestate", "baggage")
        carried = carried if isinstance(carried, dict) else {}
        self._w3c_fields = {name: carried[name] for name in names if isinstance(carried.get(name), str)}
        self.client_context = ClientContext.of(client_context)
        if self.client_context is not None:
            self.client_context.client = Client.of(self.client_context.client)
        self.identity = CognitoIdentity.of({})
        if cognito_identity is not None:
            self.identity.cognito_identity_id = cognito_identity.get("cognitoIdentityId")
            self.identity.cognito_identity_pool_id = cognito_identity.get("cognitoIdentityPoolId")
        self._epoch_deadline_time_in_ms = deadline_ms

    def get_remaining_time_in_millis(self):
        import time

        return max(0, self._epoch_deadline_time_in_ms - int(time.time() * 1000))

    def w3c(self):
        return dict(self._w3c_fields)

    def log(self, msg):
        records.log(str(msg))

    def __repr__(self):
        names = (
            "aws_request_id log_group_name log_stream_name function_name memory_limit_in_mb function_version "
            "invoked_function_arn client_context identity tenant_id"
        )
        return f"LambdaContext([{','.join(f'{name}={getattr(self, name)}' for name in names.split())}])"


def parse(text, what):
    if not text:
        return None
    try:
        return json.loads(text)
    except Exception as error:
        raise Fault("LambdaContextUnmarshalError", f"Unable to parse {what} JSON: {error}")


# ---- errors


def error_document(message, kind, trace, invoke_id=None):
    return {
        "errorMessage": message or "",
        "errorType": kind or "",
        "requestId": invoke_id if invoke_id is not None else "",
        "stackTrace": trace or [],
    }


def exception_document(invoke_id=None):
    """The exception that is being handled, without the frames of this file that lead to it."""
    import traceback

    kind, value, trace = sys.exc_info()
    frames = [(f.filename, f.lineno, f.name, f.line) for f in traceback.extract_tb(trace)]
    for index, frame in enumerate(frames):
        if "/bootstrap.py" not in frame[0]:
            frames = frames[index:]
            break
    return error_document(str(value), kind.__name__, traceback.format_list(frames), invoke_id)


# ---- life


def load_handler(handler):
    try:
        module_name, function_name = handler.rsplit(".", 1)
    except ValueError as error:
        raise Fault("MalformedHandlerName", f"Bad handler '{handler}': {error}")
    try:
        if module_name.split(".")[0] in sys.builtin_module_names:
            raise Fault("BuiltInModuleConflict", f"Cannot use built-in module {module_name} as a handler module")
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        raise Fault("ImportModuleError", f"Unable to import module '{module_name}': {error}")
    except SyntaxError as error:
        trace = ['  File "%s" Line %s\n    %s' % (error.filename, error.lineno, error.text)]
        raise Fault("UserCodeSyntaxError", f"Syntax error in module '{module_name}': {error}", trace)
    try:
        return getattr(module, function_name)
    except AttributeError:
        raise Fault("HandlerNotFound", f"Handler '{function_name}' missing on module '{module_name}'")


UNHANDLED = (
    "LAMBDA_WARNING: Unhandled exception. The most likely cause is an issue in the function code. However, in rare "
    "cases, a Lambda runtime update can cause unexpected function behavior. For functions using managed runtimes, "
    "runtime updates can be triggered by a function change, or can be applied automatically. To determine if the "
    "runtime has been updated, check the runtime version in the INIT_START log entry. If this error correlates with "
    "a change in the runtime version, you may be able to mitigate this error by temporarily rolling back to the "
    "previous runtime version. For more information, see "
    "https://docs.aws.amazon.com/lambda/latest/dg/runtimes-update.html"
)


def search_path():
    version = "python%d.%d" % sys.version_info[:2]
    own = os.environ.get("PYTHONPATH")
    yield TASK_ROOT
    yield from (one for one in own.split(":") if one) if own else ()
    yield f"{LAYERS}/python/lib/{version}/site-packages"
    yield f"{LAYERS}/python"
    yield LIBRARIES


def prepare():
    """What `site` and the clouds' runtimes give, at a tenth of its time."""
    sys.stdout = Flushed(sys.stdout)
    sys.stderr = Flushed(sys.stderr)
    sys.argv = [__file__]
    try:
        import _sitebuiltins

        builtins.exit = _sitebuiltins.Quitter("exit", "Ctrl-D (i.e. EOF)")
        builtins.quit = _sitebuiltins.Quitter("quit", "Ctrl-D (i.e. EOF)")
    except ImportError:
        pass
    os.environ.pop("_LAMBDA_TELEMETRY_LOG_FD", None)
    sys.meta_path.insert(0, Standard())
    if not os.path.isdir(LIBRARIES):
        sys.meta_path.append(MissingLibraries())
    sys.path[:] = [*search_path(), *STDLIB]
    # A package of the user's that was given as `bootstrap` must not be this file.
    sys.modules["bootstrap"] = sys.modules.pop("__main__")


def main():
    prepare()
    try:
        handler = load_handler(os.environ.get("_HANDLER", ""))
    except Fault as fault:
        failed(error_document(fault.message, fault.kind, fault.trace))
    except Exception:
        failed(exception_document())
    send(b"R")
    while True:
        kind, body = receive()
        if kind == b"I":
            answer(handler, body)


def failed(document):
    import logging

    logging.warning(UNHANDLED)
    log_error(document)
    send(b"F", encode(document).encode("utf-8", "backslashreplace"))
    sys.exit(1)


def answer(handler, body):
    global request_id, tenant_id
    size = int.from_bytes(body[:4], "big")
    head = bytes(body[4 : 4 + size]).decode().split("\0")
    request_id, deadline, arn, trace, client_context, identity, tenant = head
    tenant_id = tenant or None
    if trace:
        os.environ["_X_AMZN_TRACE_ID"] = trace
    else:
        os.environ.pop("_X_AMZN_TRACE_ID", None)
    try:
        context = LambdaContext(
            request_id,
            parse(client_context, "Client Context"),
            parse(identity, "Cognito Identity"),
            int(deadline),
            arn,
            tenant_id,
        )
        try:
            event = json.loads(bytes(body[4 + size :]))
        except Exception as error:
            raise Fault("UnmarshalError", f"Unable to unmarshal input: {error}")
        kind, result = marshal(handler(event, context))
    except Fault as fault:
        raised(error_document(fault.message, fault.kind, fault.trace, request_id))
    except Exception:
        raised(exception_document(request_id))
    else:
        if len(result) > RESPONSE_BYTES_MAX:
            send(b"L", len(result).to_bytes(8, "big"))
        else:
            send(kind, result)


def marshal(result):
    if isinstance(result, bytes):
        return b"B", result
    try:
        return b"J", encode(result).encode("utf-8")
    except Exception as error:
        raise Fault("MarshalError", f"Unable to marshal response: {error}")


def raised(document):
    log_error(document)
    send(b"E", encode(document).encode("utf-8", "backslashreplace"))


if __name__ == "__main__":
    main()
