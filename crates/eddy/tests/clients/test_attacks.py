"""What hostile functions and hostile strangers try, and that the server goes on serving.

Attacks from inside run as Python in a jail (`inside`); those from outside speak to the port with raw bytes. Walls of
the kernel have tests of their own in `eddy-runtime`; here they are pushed through the whole server.
"""
import base64
import functools
import io
import json
import os
import socket
import stat
import struct
import time
import urllib.parse
import urllib.request
import uuid
import zipfile
import zlib

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import botocore.exceptions
import pytest

from over_s3 import ask, target_of

# What runs inside: it does what it is told, with the means that any handler has.
PROBE = '''
import hashlib, hmac, json, os, socket, time

HOST = ('127.0.0.1', 4566)
RUNTIME_API = ('127.0.0.1', 9001)


def raw(data, to=HOST, patience=10, reads=1 << 20):
    """Sends bytes; gives what comes back until the other side closes, is silent, or enough has come."""
    with socket.create_connection(to, timeout=patience) as connection:
        said = b''
        try:
            connection.sendall(data)
            while len(said) < reads:
                piece = connection.recv(65536)
                if not piece:
                    break
                said += piece
        except (TimeoutError, ConnectionError):
            pass
    return said.decode('latin-1')


def ask(method, target, headers=(), body=b'', to=HOST, host='127.0.0.1:4566'):
    """One request as it stands; gives status and the rest."""
    lines = [f'{method} {target} HTTP/1.1', f'Host: {host}', 'Connection: close', f'Content-Length: {len(body)}']
    lines += [f'{name}: {value}' for name, value in dict(headers).items()]
    said = raw('\\r\\n'.join(lines).encode() + b'\\r\\n\\r\\n' + body, to)
    return int(said.split(' ', 2)[1]) if said else 0, said


def keys():
    return [os.environ[f'AWS_{name}'] for name in ('ACCESS_KEY_ID', 'SECRET_ACCESS_KEY', 'SESSION_TOKEN')]


def signed(method, path, service, body=b'', headers=(), query='', with_keys=None, host='127.0.0.1:4566'):
    """The same, signed with the session of this environment or with other keys."""
    access, secret, token = with_keys or keys()
    at = time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())
    digest = hashlib.sha256(body).hexdigest()
    mine = {'host': host, 'x-amz-date': at, 'x-amz-content-sha256': digest, 'x-amz-security-token': token,
            **{name.lower(): value for name, value in dict(headers).items()}}
    names = ';'.join(sorted(mine))
    head = ''.join(f'{name}:{mine[name]}\\n' for name in sorted(mine))
    scope = f'{at[:8]}/us-east-1/{service}/aws4_request'
    canonical = '\\n'.join([method, path, query, head, names, digest])
    text = '\\n'.join(['AWS4-HMAC-SHA256', at, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = ('AWS4' + secret).encode()
    for part in scope.split('/'):
        key = hmac.new(key, part.encode(), 'sha256').digest()
    signature = hmac.new(key, text.encode(), 'sha256').hexdigest()
    del mine['host']
    mine['authorization'] = (f'AWS4-HMAC-SHA256 Credential={access}/{scope}, SignedHeaders={names}, '
                             f'Signature={signature}')
    return ask(method, path + ('?' + query if query else ''), mine, body, host=host)


def form(service, **fields):
    """One call of awsQuery."""
    from urllib.parse import urlencode
    return signed('POST', '/', service, urlencode(fields).encode(),
                  {'content-type': 'application/x-www-form-urlencoded'})


def failure(what):
    """The errno with which something fails; none if it does not."""
    try:
        what()
    except OSError as error:
        return error.errno or type(error).__name__
    return None


def handler(event, context):
    here = dict(globals(), event=event, context=context)
    exec(event['run'], here)
    return here.get('result')
'''


def zipped(files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, 'w', zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return buffer.getvalue()


@pytest.fixture(scope='module')
def probes(client, runtime):
    """Names of two functions that run what they are handed."""
    functions, names = client('lambda'), []
    for _ in range(2):
        names.append(f'probe-{uuid.uuid4().hex[:8]}')
        functions.create_function(
            FunctionName=names[-1], Runtime=runtime, Handler='app.handler', Timeout=60, MemorySize=256,
            Role='arn:aws:iam::000000000000:role/probe', Code={'ZipFile': zipped({'app.py': PROBE})})
    yield names
    for name in names:
        functions.delete_function(FunctionName=name)


@pytest.fixture
def inside(client, probes):
    """Runs lines of Python in a jail; gives what they leave in `result`."""
    functions = client('lambda', read_timeout=90)

    def inside(lines, probe=0, **event):
        answer = functions.invoke(FunctionName=probes[probe], Payload=json.dumps({'run': lines, **event}))
        said = json.loads(answer['Payload'].read())
        assert 'FunctionError' not in answer, said
        return said

    return inside


@pytest.fixture(autouse=True)
def still_serves(server):
    """After each attack the server answers, and nothing in it has panicked."""
    begun = len(server.said())
    yield
    with urllib.request.urlopen(f'{server.url}/_eddy/health', timeout=30) as answer:
        assert answer.status == 200
    assert server.process.poll() is None
    assert 'panicked' not in server.said()[begun:]


def speak(server, data, patience=10, reads=1 << 20):
    """Raw bytes to the port, from outside."""
    with socket.create_connection(('127.0.0.1', server.port), timeout=patience) as connection:
        said = b''
        try:
            connection.sendall(data)
            while len(said) < reads:
                piece = connection.recv(65536)
                if not piece:
                    break
                said += piece
        except (TimeoutError, ConnectionError):
            pass
    return said


# ---- the house: /_eddy/v1 is root's -------------------------------------------------------------------------

HOUSE = [
    '/_eddy/v1/events', '//_eddy/v1/events', '/_eddy//v1/events', '/_eddy/v1//events', '/./_eddy/v1/events',
    '/x/../_eddy/v1/events', '/_eddy/x/../v1/events', '/_eddy/health/../v1/events', '/_eddy/api/../v1/events',
    '/_eddy%2fv1%2fevents', '/_eddy/%76%31/events', '/%5feddy/v1/events', '/%255feddy/v1/events',
    '/_EDDY/V1/EVENTS', '/_eddy/v1/events/', '/_eddy/v1/events%00', '/_eddy/v1/events;x', '/_eddy/v1/events?a=b',
    '/_eddy/v1/trace?of=x', '/_eddy/v1/logs/follow?group=x', '/_eddy/v1', '/_eddy/v1/',
    'http://127.0.0.1:4566/_eddy/v1/events', 'http://eddy.localhost/_eddy/v1/events',
    'https://u:p@eddy.localhost/_eddy/v1/events', '*', '127.0.0.1:4566', '_eddy/v1/events',
]


def test_the_house_is_closed_to_functions(inside):
    said = inside('''
result = []
for target in event['targets']:
    for host in ('127.0.0.1:4566', 'eddy.localhost', 'localhost', ''):
        status, text = ask('GET', target, host=host)
        result.append([target, host, status, text])
''', targets=HOUSE)
    assert len(said) == len(HOUSE) * 4
    for target, host, status, text in said:
        assert 400 <= status < 500, (target, host, text)
        assert '"events"' not in text and '"roots"' not in text, (target, host, text)


def test_the_house_is_closed_to_sessions(inside):
    """A proven session is not root, whatever it signs for."""
    said = inside('''
result = []
for method, path in event['asked']:
    for service in ('sts', 's3', 'lambda', 'execute-api', 'iam', 'eddy'):
        status, text = signed(method, path, service, b'{}' if method == 'POST' else b'')
        result.append([path, service, status, text])
''', asked=[('GET', '/_eddy/v1/events'), ('GET', '/_eddy/v1/trace'), ('GET', '/_eddy/v1/logs/follow'),
            ('POST', '/_eddy/v1/deploy'), ('POST', '/_eddy/v1/events/x/resend')])
    for path, service, status, text in said:
        assert status == 403, (path, service, text)
    assert all('only root' in text for _, service, _, text in said if service == 'sts')


def test_a_request_inside_another_is_no_request(inside):
    """Two lengths, chunks beside a length, bare line ends: one body, or a refusal, and never two requests."""
    hidden = 'GET /_eddy/health HTTP/1.1\r\nHost: smuggled\r\n\r\n'
    heads = {
        'a length and chunks': f'Content-Length: {len(hidden) + 5}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{hidden}',
        'chunks and a length': f'Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n{hidden}',
        'two lengths': f'Content-Length: 0\r\nContent-Length: {len(hidden)}\r\n\r\n{hidden}',
        'a list of lengths': f'Content-Length: 0, {len(hidden)}\r\n\r\n{hidden}',
        'a signed length': f'Content-Length: +{len(hidden)}\r\n\r\n{hidden}',
        'a negative length': f'Content-Length: -1\r\n\r\n{hidden}',
        'a length too large': f'Content-Length: 99999999999999999999999\r\n\r\n{hidden}',
        'chunks spelt otherwise': f'Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n{hidden}',
        'chunks twice': f'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n{hidden}',
        'a space before the colon': f'Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n{hidden}',
        'a folded line': f'X: 1\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n{hidden}',
        'a bare line end': f'X: 1\nTransfer-Encoding: chunked\n\n0\r\n\r\n{hidden}',
        'a chunk too large': f'Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n{hidden}',
        'a chunk of no number': f'Transfer-Encoding: chunked\r\n\r\n0x5\r\n{hidden}',
    }
    said = inside('''
result = {}
for name, rest in event['heads'].items():
    result[name] = raw(('POST /bucket/key HTTP/1.1\\r\\nHost: 127.0.0.1:4566\\r\\n' + rest).encode(), patience=1)
''', heads=heads)
    pipelined = {'a length and chunks', 'chunks and a length', 'a bare line end', 'a folded line'}
    for name, text in said.items():
        # Where chunks count, what follows them is the next request of the same client: its own, with its own answer.
        most = 2 if name in pipelined else 1
        assert text.count('HTTP/1.1 ') <= most, (name, text)
        first = text.split(' ', 2)
        assert not text or 400 <= int(first[1]) < 500, (name, text)


# ---- sessions -----------------------------------------------------------------------------------------------

def test_a_session_administers_nothing(inside, probes):
    said = inside('''
result = {}
for action, more in [
    ('ListRoles', {}), ('CreateRole', {'RoleName': 'evil', 'AssumeRolePolicyDocument': '{}'}),
    ('GetRole', {'RoleName': 'probe'}), ('DeleteRole', {'RoleName': 'probe'}), ('GetUser', {}),
    ('CreateAccessKey', {}), ('CreateUser', {'UserName': 'evil'}),
    ('PutRolePolicy', {'RoleName': 'probe', 'PolicyName': 'p', 'PolicyDocument': '{}'}),
]:
    result['iam:' + action] = form('iam', Action=action, Version='2010-05-08', **more)
for action, more in [
    ('AssumeRole', {'RoleArn': 'arn:aws:iam::000000000000:role/probe', 'RoleSessionName': 'evil'}),
    ('GetSessionToken', {}), ('GetFederationToken', {'Name': 'evil'}),
    ('AssumeRoleWithWebIdentity', {'RoleArn': 'arn:aws:iam::000000000000:role/probe', 'RoleSessionName': 'evil',
                                   'WebIdentityToken': 'x' * 20}),
]:
    result['sts:' + action] = form('sts', Action=action, Version='2011-06-15', **more)
own = '/2015-03-31/functions/' + context.function_name
for method, path, document in [
    ('POST', '/2015-03-31/functions', {
        'FunctionName': 'evil', 'Runtime': event['runtime'], 'Handler': 'a.b', 'Code': {'ZipFile': 'UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA=='},
        'Role': 'arn:aws:iam::000000000000:role/probe'}),
    ('PUT', own + '/code', {'ZipFile': 'UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA=='}),
    ('PUT', own + '/configuration', {'Timeout': 900}),
    ('DELETE', own, None),
    ('POST', own + '/policy', {'StatementId': 's', 'Action': 'lambda:InvokeFunction', 'Principal': '*'}),
    ('DELETE', own + '/policy/s', None),
    ('PUT', own.replace('2015-03-31', '2019-09-25') + '/event-invoke-config', {'MaximumRetryAttempts': 0}),
    ('DELETE', own.replace('2015-03-31', '2019-09-25') + '/event-invoke-config', None),
    ('POST', own.replace('2015-03-31', '2021-10-31') + '/url', {'AuthType': 'NONE'}),
    ('DELETE', own.replace('2015-03-31', '2021-10-31') + '/url', None),
    ('POST', '/2015-03-31/event-source-mappings', {'FunctionName': context.function_name}),
    ('PUT', own.replace('2015-03-31', '2017-10-31') + '/concurrency', {'ReservedConcurrentExecutions': 0}),
]:
    body = b'' if document is None else json.dumps(document).encode()
    result[f'{method} {path}'] = signed(method, path, 'lambda', body, {'content-type': 'application/json'})
result['identity'] = form('sts', Action='GetCallerIdentity', Version='2011-06-15')
''', runtime='python3.11')
    status, text = said.pop('identity')
    assert status == 200 and 'assumed-role' in text, text
    for what, (status, text) in said.items():
        assert 400 <= status < 500 or status == 501, (what, status, text)
        assert 'AccessDenied' in text or 'eddy does not support' in text, (what, text)
        assert 'SecretAccessKey' not in text and 'RoleId' not in text, (what, text)


def test_a_session_cannot_be_made_up(inside, client, probes):
    """A token opens only whole, with its own key, and carries nothing that can be changed."""
    access, secret, token = inside('result = keys()')
    other = inside('result = keys()', probe=1)
    sealed = base64.b64decode(token)
    tokens = {'none': '', 'of another': other[2], 'cut': token[:-8], 'long': token + 'A' * 8000,
              'no base64': '%%%', 'empty': base64.b64encode(b'\x01' + bytes(12)).decode()}
    for at in range(0, len(sealed), 7):
        bent = bytearray(sealed)
        bent[at] ^= 1 << (at % 8)
        tokens[f'bent at {at}'] = base64.b64encode(bent).decode()
    said = inside('''
result = {}
for name, token in event['tokens'].items():
    result[name] = signed('GET', '/', 's3', with_keys=[*event['keys'], token])
''', keys=[access, secret], tokens=tokens)
    for name, (status, text) in said.items():
        assert status in (400, 403), (name, text)
        assert 'InvalidToken' in text or 'InvalidAccessKeyId' in text, (name, text)
    wrong = {'the secret of another': [access, other[1], token], 'an access key of another': [other[0], secret, token],
             'an access key of nobody': ['ASIA' + 'A' * 16, secret, token], 'a key like root': ['AKIA' + 'A' * 16, secret, '']}
    for name, keys in wrong.items():
        status, text = inside("result = signed('GET', '/', 's3', with_keys=event['keys'])", keys=keys)
        assert status in (400, 403), (name, text)


def test_keys_that_leave_their_jail_stay_what_they_are(inside, server, client, probes):
    """Keys of one environment, used in another and from outside, are the same bounded session, and say whose."""
    keys = inside('result = keys()')
    status, text = inside('''
from urllib.parse import urlencode
body = urlencode({'Action': 'GetCallerIdentity', 'Version': '2011-06-15'}).encode()
result = signed('POST', '/', 'sts', body, {'content-type': 'application/x-www-form-urlencoded'}, with_keys=event['keys'])
''', probe=1, keys=keys)
    assert status == 200 and f'assumed-role/probe/{probes[0]}' in text, text
    import boto3
    stolen = dict(zip(['aws_access_key_id', 'aws_secret_access_key', 'aws_session_token'], keys))
    session = boto3.session.Session(region_name='us-east-1', **stolen)
    iam = session.client('iam', endpoint_url=server.url)
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        iam.list_roles()
    assert refused.value.response['Error']['Code'] == 'AccessDenied'
    answer = sign(server, 'GET', '/_eddy/v1/events', 'sts', keys=keys)
    assert answer.status == 403 and b'only root' in answer.text


def test_a_function_is_not_root_where_everyone_is(fresh, runtime):
    """Without signatures whoever reaches the port is root; out of a jail the session counts all the same."""
    server = fresh('--auth', 'none')
    with urllib.request.urlopen(f'{server.url}/_eddy/v1/events', timeout=30) as answer:
        assert json.load(answer)['events'] == []
    functions = server.client('lambda', read_timeout=60)
    functions.create_function(
        FunctionName='probe', Runtime=runtime, Handler='app.handler', Timeout=30, MemorySize=256,
        Role='arn:aws:iam::000000000000:role/probe', Code={'ZipFile': zipped({'app.py': PROBE})})
    lines = '''
deploy = json.dumps({'folder': event['folder']}).encode()
result = {
    'events': ask('GET', '/_eddy/v1/events'), 'a folder of the host': ask('POST', '/_eddy/v1/deploy', body=deploy),
    'signed': signed('POST', '/_eddy/v1/deploy', 'sts', deploy),
    'roles': form('iam', Action='ListRoles', Version='2010-05-08'), 'buckets unsigned': ask('GET', '/'),
    'functions unsigned': ask('GET', '/2015-03-31/functions/'), 'buckets': signed('GET', '/', 's3'),
}
'''
    event = {'run': lines, 'folder': str(server.folder)}
    answer = functions.invoke(FunctionName='probe', Payload=json.dumps(event))
    said = json.loads(answer['Payload'].read())
    assert said.pop('buckets')[0] == 200
    assert {what: status for what, (status, _) in said.items()} == dict.fromkeys(said, 403), said


def sign(server, method, path, service, body=b'', keys=None, headers=None, region='us-east-1'):
    """A request signed as SDKs sign, for any service."""
    keys = keys or (server.variables['AWS_ACCESS_KEY_ID'], server.variables['AWS_SECRET_ACCESS_KEY'])
    request = botocore.awsrequest.AWSRequest(method, server.url + path, data=body, headers=headers or {})
    signer = botocore.auth.S3SigV4Auth if service == 's3' else botocore.auth.SigV4Auth
    signer(botocore.credentials.Credentials(*keys), service, region).add_auth(request)
    return ask(server, method, path, dict(request.headers), body)


# ---- walls, through the whole server ------------------------------------------------------------------------

def test_nothing_of_the_host_is_in_reach(inside, server, tmp_path):
    """Its files, processes, loopback, abstract sockets, netlink and metadata addresses."""
    secret = tmp_path / 'secret'
    secret.write_text('secret')
    with socket.socket() as listener, socket.socket(socket.AF_UNIX) as abstract:
        listener.bind(('127.0.0.1', 0))
        listener.listen()
        name = f'eddy-{uuid.uuid4().hex}'
        abstract.bind(f'\0{name}')
        abstract.listen()
        said = inside('''
def dial(family, address, kind=socket.SOCK_STREAM):
    def attempt():
        with socket.socket(family, kind) as s:
            s.settimeout(5)
            s.connect(address)
    return attempt

def answers(port):
    # A port that the kernel has just given to the caller itself answers, too, and is nobody's.
    with socket.socket() as s:
        return s.connect_ex(('127.0.0.1', port)) == 0 and s.getsockname() != s.getpeername()

begun = time.monotonic()
folder = event['folder']
result = {
    'closed': {
        'the data folder': failure(lambda: os.listdir(folder)),
        'the root key': failure(lambda: open(folder + '/root.key')),
        'a file of the host': failure(lambda: open(event['secret'])),
        'through proc': failure(lambda: open('/proc/1/root' + event['secret'])),
        'through a descriptor': failure(lambda: open('/proc/self/cwd/../../../../..' + event['secret'])),
        'memory of its init': failure(lambda: open('/proc/1/mem', 'rb')),
        'environment of its init': failure(lambda: open('/proc/1/environ', 'rb').read()),
        'memory of the server': failure(lambda: open(f"/proc/{event['pid']}/mem", 'rb')),
        'loopback of the host': failure(dial(socket.AF_INET, ('127.0.0.1', event['port']))),
        'the port of eddy on the host': failure(dial(socket.AF_INET, ('127.0.0.1', event['own']))),
        'another address of loopback': failure(dial(socket.AF_INET, ('127.0.0.2', event['port']))),
        'loopback of version 6': failure(dial(socket.AF_INET6, ('::1', event['port']))),
        'metadata': failure(dial(socket.AF_INET, ('169.254.169.254', 80))),
        'the internet': failure(dial(socket.AF_INET, ('1.1.1.1', 443))),
        'an abstract socket': failure(dial(socket.AF_UNIX, '\\0' + event['abstract'])),
        'netlink': failure(lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)),
        'packets': failure(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 3)),
        'vsock': failure(lambda: socket.socket(40, socket.SOCK_STREAM)),
        'kernel crypto': failure(lambda: socket.socket(38, socket.SOCK_SEQPACKET)),
        'a signal to the server': failure(lambda: os.kill(event['pid'], 0)),
        'a module': failure(lambda: open('/dev/kmsg')),
    },
    'processes': [name for name in os.listdir('/proc') if name.isdigit()],
    'took': time.monotonic() - begun,
    'ports': [port for port in range(1, 65536) if answers(port)],
}
''', folder=str(server.folder), secret=str(secret), pid=server.pid, port=listener.getsockname()[1],
                      own=server.port if server.port != 4566 else 4567, abstract=name)
    open_doors = [what for what, errno in said['closed'].items() if errno is None]
    assert not open_doors, said
    assert len(said['processes']) <= 2, said['processes']
    assert said['took'] < 5, 'what is closed must fail at once'
    assert said['ports'] == [4566]


def test_an_answer_cannot_be_given_for_another(inside, client, probes):
    """What a handler writes on the channel of its own bootstrap ends its environment and reaches nobody else."""
    other = inside('result = context.aws_request_id', probe=1)
    lines = '''
import stat, struct
text = json.dumps({'id': event['other'], 'request': event['other'], 'payload': 'forged'}).encode()
for name in os.listdir('/proc/self/fd'):
    descriptor = int(name)
    try:
        is_channel = descriptor > 2 and stat.S_ISSOCK(os.fstat(descriptor).st_mode)
        if is_channel:
            os.write(descriptor, struct.pack('<I', len(text)) + text + b'forged' * 100)
    except OSError:
        pass
result = 'went on'
'''
    functions = client('lambda', read_timeout=90)
    answer = functions.invoke(FunctionName=probes[0], Payload=json.dumps({'run': lines, 'other': other}))
    said = json.loads(answer['Payload'].read())
    assert 'forged' not in json.dumps(said), said
    assert answer.get('FunctionError') or said == 'went on', said
    # Neither its own next invocation nor that of the other sees any of it.
    for probe in (0, 1):
        said = inside('result = [context.aws_request_id, "mine"]', probe=probe)
        assert said[1] == 'mine' and said[0] != other, said


# ---- the trace ----------------------------------------------------------------------------------------------

def test_a_cause_cannot_be_claimed(inside, server, client, bucket):
    """Headers that name another request as their cause put nothing below it."""
    s3 = client('s3')
    victim = s3.put_object(Bucket=bucket, Key='victim', Body=b'x')['ResponseMetadata']['RequestId']
    headers = {name: value.replace('ID', victim) for name, value in {
        'x-amzn-trace-id': 'Root=1-ID;Parent=ID;Sampled=1', 'x-eddy-cause': 'ID', 'x-eddy-parent': 'ID',
        'x-amzn-requestid': 'ID', 'x-amz-request-id': 'ID', 'traceparent': '00-ID-0000000000000001-01',
        'lambda-runtime-aws-request-id': 'ID', 'x-amz-cf-id': 'ID', 'x-request-id': 'ID', 'cause': 'ID',
    }.items()}
    status, text = inside(f'''
result = signed('PUT', '/{bucket}/forged', 's3', b'forged', event['headers'])
''', headers=headers)
    assert status == 200, text
    outside = sign(server, 'PUT', f'/{bucket}/forged-outside', 's3', b'x', headers=headers)
    assert outside.status == 200, outside.text
    roots = json.loads(server.run('trace', victim, '--json'))['roots']
    assert len(roots) == 1 and 'forged' not in json.dumps(roots), roots
    made = json.loads(server.run('trace', f'{bucket}/forged', '--json'))['roots']
    assert 'invocations' in json.dumps(made) or 'Invoke' in json.dumps(made) or 'probe' in json.dumps(made), made


ESCAPES = '\x1b[2J\x1b]0;owned\x07\x1b[1A\x9b2K\rforged/carriage\nPUT forged/line 200 1 ms'


def test_what_a_function_says_steers_no_terminal(server, client, runtime, bucket):
    """Neither its error, nor what it prints, nor the names of its objects, in what `eddy up` shows."""
    functions, name = client('lambda'), f'loud-{uuid.uuid4().hex[:8]}'
    source = f'def handler(event, context):\n    print({ESCAPES!r})\n    raise RuntimeError({ESCAPES!r})\n'
    functions.create_function(
        FunctionName=name, Runtime=runtime, Handler='app.handler', Role='arn:aws:iam::000000000000:role/loud',
        Code={'ZipFile': zipped({'app.py': source})})
    functions.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=0)
    functions.add_permission(FunctionName=name, StatementId='s3', Action='lambda:InvokeFunction',
                             Principal='s3.amazonaws.com')
    arn = functions.get_function(FunctionName=name)['Configuration']['FunctionArn']
    s3 = client('s3')
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={
        'LambdaFunctionConfigurations': [{'LambdaFunctionArn': arn, 'Events': ['s3:ObjectCreated:*']}]})

    def terminal():
        """As it was written: a reading that mends line ends would hide what steers."""
        return server.folder.with_name(f'{server.folder.name}.log').read_bytes().decode()

    begun = len(terminal())
    s3.put_object(Bucket=bucket, Key=f'key{ESCAPES}', Body=b'x')
    ends = time.monotonic() + 30
    while 'kept as failed' not in terminal()[begun:]:
        assert time.monotonic() < ends, terminal()[begun:]
        time.sleep(0.05)
    said = terminal()[begun:]
    assert not [letter for letter in said if (letter < ' ' and letter != '\n') or '\x7f' <= letter < '\xa0'], repr(said)
    assert not [line for line in said.splitlines() if line.startswith('PUT forged/line')], said
    # The log has it as it was written.
    while ESCAPES.split('\n')[0] not in ''.join(
            json.loads(line)['message'] for line in server.run('logs', name, '--json').splitlines()):
        assert time.monotonic() < ends
        time.sleep(0.05)
    functions.delete_function(FunctionName=name)


def test_lines_that_look_like_eddys_are_lines_of_the_function(server, client, runtime):
    """START, END and REPORT that a function prints report nothing."""
    functions, name = client('lambda'), f'fake-{uuid.uuid4().hex[:8]}'
    fake = 'REPORT RequestId: 0\tDuration: 1.00 ms\tBilled Duration: 1 ms\tMemory Size: 1 MB\tMax Memory Used: 1 MB'
    source = (f'def handler(event, context):\n    print({fake!r})\n    print("END RequestId: 0")\n'
              f'    print("START RequestId: 0 Version: 9")\n')
    functions.create_function(
        FunctionName=name, Runtime=runtime, Handler='app.handler', Role='arn:aws:iam::000000000000:role/fake',
        Code={'ZipFile': zipped({'app.py': source})})
    answer = functions.invoke(FunctionName=name, LogType='Tail')
    request = answer['ResponseMetadata']['RequestId']
    lines = base64.b64decode(answer['LogResult']).decode().splitlines()
    assert lines[0].startswith(f'START RequestId: {request} ') and lines[-1].startswith(f'REPORT RequestId: {request}\t')
    assert lines[1:4] == [fake, 'END RequestId: 0', 'START RequestId: 0 Version: 9']
    assert lines[4] == f'END RequestId: {request}'
    functions.delete_function(FunctionName=name)


# ---- floods -------------------------------------------------------------------------------------------------

def test_a_function_cannot_flood_the_platform_endpoint(inside, server, client):
    """More connections than it has, heads without end, bodies without end: others are served meanwhile."""
    held = inside('''
import builtins
# More than are served at a time; the others wait in the kernel. They stay open into the next invocation.
builtins.held = [socket.create_connection(HOST, timeout=30) for _ in range(300)]
for one in builtins.held:
    one.send(b'POST /slow HTTP/1.1\\r\\nHost: x\\r\\nX-Slow: ')
result = len(builtins.held)
''')
    assert held == 300
    assert client('sts').get_caller_identity()['Account']
    said = inside('''
import builtins
for one in builtins.held:
    one.close()
huge = raw(b'GET / HTTP/1.1\\r\\nHost: x\\r\\nX: ' + b'a' * (1 << 20) + b'\\r\\n\\r\\n')
many = raw(b'GET / HTTP/1.1\\r\\nHost: x\\r\\n' + b''.join(b'X-%d: y\\r\\n' % n for n in range(5000)) + b'\\r\\n')
target = raw(b'GET /' + b'a' * (1 << 20) + b' HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n')
with socket.create_connection(HOST, timeout=5) as endless:
    endless.sendall(b'POST /2015-03-31/functions HTTP/1.1\\r\\nHost: x\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n')
    sent = 0
    try:
        while sent < 64 << 20:
            endless.sendall(b'10000\\r\\n' + b'a' * 65536 + b'\\r\\n')
            sent += 65536
    except OSError:
        pass
result = [huge[:64], many[:64], target[:64], sent]
''')
    assert all(answer.split(' ')[1] in ('400', '414', '431') for answer in said[:3] if answer), said
    assert said[3] < 64 << 20, 'an unsigned body without end is read to no end'


def test_connections_that_say_nothing_hold_nothing_up(fresh, runtime):
    """More than the server takes at a time, all dawdling: what has a connection is served, and all are once they go."""
    server = fresh(within=['prlimit', '--nofile=1000:1000'])
    logs, s3 = server.client('logs'), server.client('s3')
    logs.describe_log_groups()
    s3.create_bucket(Bucket='held')
    held = []
    try:
        for number in range(600):
            connection = socket.create_connection(('127.0.0.1', server.port), timeout=30)
            held.append(connection)
            connection.send([b'', b'G', b'GET / HTTP/1.1\r\n', b'POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nx'][number % 4])
        # A descriptor is left for what is stored and for whatever runs.
        for number in range(20):
            s3.put_object(Bucket='held', Key=f'{number}', Body=bytes(200_000))
    finally:
        for connection in held:
            connection.close()
    functions = server.client('lambda', read_timeout=60)
    functions.create_function(
        FunctionName='probe', Runtime=runtime, Handler='app.handler', Timeout=30, MemorySize=256,
        Role='arn:aws:iam::000000000000:role/probe', Code={'ZipFile': zipped({'app.py': PROBE})})
    lines = 'import resource; result = resource.getrlimit(resource.RLIMIT_NOFILE)'
    answer = functions.invoke(FunctionName='probe', Payload=json.dumps({'run': lines}))
    assert json.loads(answer['Payload'].read()) == [1000, 1000]


# ---- packages -----------------------------------------------------------------------------------------------

ESCAPED = f'/tmp/eddy-escaped-{uuid.uuid4().hex}'


def entry(name, mode=0, data=b'x', **more):
    info = zipfile.ZipInfo(name)
    info.external_attr, info.compress_type = mode << 16, zipfile.ZIP_DEFLATED
    for field, value in more.items():
        setattr(info, field, value)
    return info, data


def archive_of(*entries):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, 'w', zipfile.ZIP_DEFLATED) as archive:
        for info, data in entries:
            archive.writestr(info, data)
    return buffer.getvalue()


def lying(data, offset, size):
    """The same archive, whose directory says another size."""
    at = data.rindex(b'PK\x01\x02')
    return data[:at + offset] + struct.pack('<I', size) + data[at + offset + 4:]


@functools.cache
def hostile_packages():
    return list(hostile())


def hostile():
    link = stat.S_IFLNK | 0o777
    plain = archive_of(entry('app.py', data=b'a' * 1000))
    zeros = archive_of(*(entry(f'zeros {number}', data=bytes(64 << 20)) for number in range(4)))
    yield 'up', archive_of(entry('a/../../x'))
    yield 'up at the end', archive_of(entry('a/..'))
    yield 'absolute', archive_of(entry(ESCAPED))
    yield 'a link to a file of the host', archive_of(entry('l', link, b'/etc/shadow'))
    yield 'a link that climbs', archive_of(entry('a/l', link, b'../../x'))
    yield 'a link that climbs later', archive_of(entry('l', link, b'a/../../x'))
    yield 'through a link', archive_of(entry('l', link, b'a'), entry('l/x'))
    yield 'through a link to above', archive_of(entry('a/l', link, b'..'), entry('a/l/x'))
    yield 'a chain of links', archive_of(entry('a/b', link, b'..'), entry('c', link, b'a/b/..'))
    yield 'a device', archive_of(entry('d', stat.S_IFBLK | 0o666))
    yield 'a pipe', archive_of(entry('p', stat.S_IFIFO | 0o666))
    yield 'a socket', archive_of(entry('s', stat.S_IFSOCK | 0o666))
    yield 'a bomb', zeros
    yield 'a bomb that says it is small', lying(zeros, 24, 1000)
    yield 'smaller than it says', lying(plain, 24, 2000)
    yield 'a file and a folder', archive_of(entry('a'), entry('a/b'))
    yield 'a name too long', archive_of(entry('a' * 300))
    yield 'a path too long', archive_of(entry('/'.join(['a'] * 3000)))
    yield 'a checksum that is wrong', lying(plain, 16, 1)
    yield 'an offset beyond', lying(plain, 42, 0x7fffffff)


@pytest.mark.parametrize('update', [False, True])
def test_hostile_packages_leave_nothing(server, client, runtime, probes, tmp_path, update):
    functions = client('lambda', read_timeout=60)
    before = sorted(path.name for path in (server.folder / 'code').iterdir())
    for what, package in hostile_packages():
        print(what)
        with pytest.raises(botocore.exceptions.ClientError) as refused:
            if update:
                functions.update_function_code(FunctionName=probes[0], ZipFile=package)
            else:
                functions.create_function(
                    FunctionName='hostile', Runtime=runtime, Handler='app.handler', Code={'ZipFile': package},
                    Role='arn:aws:iam::000000000000:role/hostile')
        code = refused.value.response['Error']['Code']
        assert code == 'InvalidParameterValueException', (what, refused.value)
    assert sorted(path.name for path in (server.folder / 'code').iterdir()) == before
    assert not os.path.exists(ESCAPED)
    with pytest.raises(functions.exceptions.ResourceNotFoundException):
        functions.get_function(FunctionName='hostile')


# ---- signed addresses ---------------------------------------------------------------------------------------

def presigned(client, operation, expires=60, version='s3v4', **params):
    url = client('s3', signature_version=version).generate_presigned_url(operation, Params=params, ExpiresIn=expires)
    return target_of(url)


def test_a_presigned_address_opens_one_thing_once_signed(server, client, s3, bucket):
    other = f'b-{uuid.uuid4().hex[:20]}'
    s3.create_bucket(Bucket=other)
    for name in (bucket, other):
        s3.put_object(Bucket=name, Key='key', Body=b'secret')
        s3.put_object(Bucket=name, Key='other', Body=b'secret')
    target = presigned(client, 'get_object', Bucket=bucket, Key='key')
    path, query = target.split('?')
    expires = urllib.parse.parse_qs(query)
    assert ask(server, 'GET', target).status == 200

    def swapped(name, value):
        return '&'.join(f'{name}={value}' if part.startswith(f'{name}=') else part for part in query.split('&'))

    tricks = {
        'another key': f'/{bucket}/other?{query}',
        'another bucket': f'/{other}/key?{query}',
        'a key above': f'/{bucket}/x/../other?{query}',
        'two slashes': f'/{bucket}//key?{query}',
        'a longer life': f'{path}?{swapped("X-Amz-Expires", 600)}',
        'no end': f'{path}?{swapped("X-Amz-Expires", 604801)}',
        'a negative life': f'{path}?{swapped("X-Amz-Expires", -1)}',
        'a life of letters': f'{path}?{swapped("X-Amz-Expires", "60abc")}',
        'another day': f'{path}?{swapped("X-Amz-Date", "20300101T000000Z")}',
        'a date of rubbish': f'{path}?{swapped("X-Amz-Date", "20261399T999999Z")}',
        'no signed headers': f'{path}?{swapped("X-Amz-SignedHeaders", "")}',
        'another algorithm': f'{path}?{swapped("X-Amz-Algorithm", "AWS4-HMAC-SHA1")}',
        'no signature': f'{path}?{swapped("X-Amz-Signature", "")}',
        'a short signature': f'{path}?{swapped("X-Amz-Signature", expires["X-Amz-Signature"][0][:32])}',
        'a second expiry': f'{target}&X-Amz-Expires=600',
        'an expiry in front': f'{path}?X-Amz-Expires=600&{query}',
        'a signature in front': f'{path}?X-Amz-Signature={"0" * 64}&{query}',
        'a second key id': f'{target}&X-Amz-Credential=x',
        'a sub-resource': f'{target}&acl',
        'a version': f'{target}&versionId=null',
        'an override': f'{target}&response-content-type=text/html',
        'an override spelt otherwise': f'{target}&Response-Content-Type=text/html',
        'a token': f'{target}&X-Amz-Security-Token=x',
        'an empty name': f'{target}&=x',
    }
    for what, trick in tricks.items():
        answer = ask(server, 'GET', trick)
        assert answer.status in (400, 403), (what, answer.status, answer.text)
        assert b'secret' != answer.text, what
    for method in ('PUT', 'DELETE', 'POST', 'OPTIONS', 'PATCH', 'get', 'TRACE'):
        answer = ask(server, method, target)
        assert answer.status in (400, 403, 405, 501), (method, answer.status, answer.text)
    # The two signatures together: neither of them may win.
    signed = sign(server, 'GET', target, 's3')
    assert signed.status == 400, signed.text
    assert s3.get_object(Bucket=bucket, Key='key')['Body'].read() == b'secret'


@pytest.mark.parametrize('version', ['s3', 's3v4'])
def test_a_header_that_was_not_signed_adds_nothing(server, client, s3, bucket, version):
    """Whoever was given an address to put to cannot copy, tag, name or open what it was not made for."""
    s3.put_object(Bucket=bucket, Key='secret', Body=b'secret')
    target = presigned(client, 'put_object', version=version, Bucket=bucket, Key='key')
    for name, value in {
        'x-amz-copy-source': f'/{bucket}/secret', 'x-amz-meta-a': '1', 'x-amz-tagging': 'a=1', 'x-amz-acl': 'private',
        'x-amz-storage-class': 'STANDARD', 'x-amz-security-token': 'x', 'X-AMZ-GRANT-READ': 'id=x',
    }.items():
        answer = ask(server, 'PUT', target, {name: value}, b'x')
        assert answer.status == 403, (name, answer.status, answer.text)
    assert [found['Key'] for found in s3.list_objects_v2(Bucket=bucket)['Contents']] == ['secret']
    assert ask(server, 'PUT', target, body=b'x').status == 200


@pytest.mark.parametrize('moved, opens', [(-10, True), (-3700, False), (840, True), (1000, False)])
def test_clocks_that_are_moved(server, client, s3, bucket, monkeypatch, moved, opens):
    """A presigned address lives from its date on; a date ahead of ours is taken as far as clocks may differ."""
    import datetime
    s3.put_object(Bucket=bucket, Key='key', Body=b'x')
    now = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=moved)
    monkeypatch.setattr('botocore.auth.get_current_datetime', lambda *a, **k: now.replace(tzinfo=None) if not a else now)
    target = presigned(client, 'get_object', 3600, Bucket=bucket, Key='key')
    monkeypatch.undo()
    answer = ask(server, 'GET', target)
    assert (answer.status == 200) == opens, answer.text
    assert answer.status in (200, 403), answer.text


def form_of(fields, body=b'x'):
    boundary = uuid.uuid4().hex
    parts = [f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields]
    text = ''.join(parts).encode() + (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n').encode()
    return text + body + f'\r\n--{boundary}--\r\n'.encode(), {'Content-Type': f'multipart/form-data; boundary={boundary}'}


def test_upload_forms_allow_what_they_say(server, client, s3, bucket):
    signed = client('s3', signature_version='s3v4').generate_presigned_post(
        bucket, 'up/${filename}', Conditions=[['starts-with', '$key', 'up/'], ['content-length-range', 1, 4]])
    fields = list(signed['fields'].items())
    other = f'b-{uuid.uuid4().hex[:20]}'
    s3.create_bucket(Bucket=other)

    def post(fields, body=b'x', to=bucket):
        data, headers = form_of(fields, body)
        return ask(server, 'POST', f'/{to}', headers, data)

    assert post(fields).status == 204
    without = [(name, value) for name, value in fields if name != 'key']
    tricks = {
        'another bucket': lambda: post(fields, to=other),
        'a key outside': lambda: post([*without, ('key', 'down/x')]),
        'a key in front': lambda: post([('key', 'down/x'), *fields]),
        'a key in other letters in front': lambda: post([('KEY', 'down/x'), *fields]),
        'a field that is not allowed': lambda: post([*fields, ('x-amz-meta-evil', '1')]),
        'a redirect that is not allowed': lambda: post([*fields, ('success_action_redirect', 'http://evil.example')]),
        'too long': lambda: post(fields, b'12345'),
        'empty': lambda: post(fields, b''),
        'a policy in front': lambda: post([('policy', base64.b64encode(b'{"expiration":"2099-01-01T00:00:00Z","conditions":[]}').decode()), *fields]),
        'no signature': lambda: post([field for field in fields if field[0] != 'x-amz-signature']),
        'no policy': lambda: post([field for field in fields if field[0] != 'policy']),
        'no key': lambda: post(without),
    }
    for what, trick in tricks.items():
        answer = trick()
        assert answer.status in (400, 403), (what, answer.status, answer.text)
    # Of fields of one name the first counts, for the policy as for the object.
    assert post([*fields, ('key', 'down/x')]).status == 204
    keys = {name: [found['Key'] for found in s3.list_objects_v2(Bucket=name).get('Contents', [])] for name in (bucket, other)}
    assert keys == {bucket: ['up/f'], other: []}


def test_a_signature_counts_for_its_own_service(server, client, inside, probes):
    """A function URL with AWS_IAM, S3 and the rest: what was signed for one is nothing for another."""
    functions = client('lambda')
    url = functions.create_function_url_config(FunctionName=probes[1], AuthType='AWS_IAM')['FunctionUrl']
    path = urllib.parse.urlsplit(url).path
    try:
        body = json.dumps({'run': 'result = 1'}).encode()
        assert sign(server, 'POST', path, 'lambda', body).status != 403
        for service in ('s3', 'sts', 'execute-api', 'iam', 'logs', 'lambda-url', ''):
            answer = sign(server, 'POST', path, service, body)
            assert answer.status == 403, (service, answer.text)
        wrong = {
            'nobody': ask(server, 'POST', path, {}, body),
            'another region': sign(server, 'POST', path, 'lambda', body, region='eu-west-1'),
            'a key of nobody': sign(server, 'POST', path, 'lambda', body, keys=('AKIA' + 'A' * 16, 'x')),
            'a body without a hash': ask(server, 'POST', path, {**signature(server, path, 'UNSIGNED-PAYLOAD')}, body),
        }
        for what, answer in wrong.items():
            assert answer.status == 403, (what, answer.status, answer.text)
    finally:
        functions.delete_function_url_config(FunctionName=probes[1])


def signature(server, path, payload):
    """Headers signed for a payload that is named, not hashed."""
    request = botocore.awsrequest.AWSRequest('POST', server.url + path, data=b'')
    request.headers['X-Amz-Content-SHA256'] = payload
    signer = botocore.auth.SigV4Auth(botocore.credentials.Credentials(
        server.variables['AWS_ACCESS_KEY_ID'], server.variables['AWS_SECRET_ACCESS_KEY']), 'lambda', 'us-east-1')
    signer.payload = lambda request: payload
    signer.add_auth(request)
    return dict(request.headers)


# ---- answers ------------------------------------------------------------------------------------------------

def test_an_answer_of_a_function_adds_no_header_and_no_second_answer(server, client, runtime):
    functions, name = client('lambda'), f'split-{uuid.uuid4().hex[:8]}'
    source = 'import json\ndef handler(event, context):\n    return json.loads(event["body"])\n'
    arn = functions.create_function(
        FunctionName=name, Runtime=runtime, Handler='app.handler', Role='arn:aws:iam::000000000000:role/split',
        Code={'ZipFile': zipped({'app.py': source})})['FunctionArn']
    gateway = client('apigatewayv2')
    api = gateway.create_api(Name=name, ProtocolType='HTTP', Target=arn)['ApiId']
    functions.add_permission(FunctionName=name, StatementId='api', Action='lambda:InvokeFunction',
                             Principal='apigateway.amazonaws.com')
    try:
        for answer in [
            {'statusCode': 200, 'headers': {'x-a': 'b\r\nX-Evil: 1'}, 'body': 'x'},
            {'statusCode': 200, 'headers': {'x-a\r\nX-Evil': '1'}, 'body': 'x'},
            {'statusCode': 200, 'headers': {'x-a': 'b\r\n\r\nHTTP/1.1 200 OK\r\n\r\nX-Evil: 1'}, 'body': 'x'},
            {'statusCode': 200, 'cookies': ['a=1\r\nX-Evil: 1'], 'body': 'x'},
            {'statusCode': 200, 'headers': {'content-length': '1000'}, 'body': 'x'},
            {'statusCode': 200, 'headers': {'content-length': '0'}, 'body': 'HTTP/1.1 200 OK\r\nX-Evil: 1\r\n\r\n'},
            {'statusCode': 200, 'headers': {'transfer-encoding': 'chunked'}, 'body': '0\r\n\r\nX-Evil: 1'},
            {'statusCode': 200, 'headers': {'connection': 'close, x-a', 'upgrade': 'h2c'}, 'body': 'x'},
            {'statusCode': 101, 'body': 'x'}, {'statusCode': 100, 'body': 'x'}, {'statusCode': 99999, 'body': 'x'},
            {'statusCode': -1, 'body': 'x'}, {'statusCode': 204, 'body': 'X-Evil: 1'}, {'statusCode': 304, 'body': 'x'},
        ]:
            body = json.dumps(answer).encode()
            said = speak(server, b'POST /_eddy/api/%s/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n'
                         b'Content-Length: %d\r\nConnection: close\r\n\r\n' % (api.encode(), len(body)) + body)
            head, _, rest = said.partition(b'\r\n\r\n')
            assert b'x-evil' not in head.lower().replace(b'b\\r\\nx-evil', b''), (answer, said)
            assert said.startswith(b'HTTP/1.1 ') and head.count(b'HTTP/1.1 ') == 1, (answer, said)
            status = int(said.split(b' ')[1])
            assert status >= 200, (answer, said)
            fields = {line.split(b':')[0].lower(): line.split(b':', 1)[1].strip() for line in head.split(b'\r\n')[1:]}
            if b'content-length' in fields and status not in (204, 304):
                assert int(fields[b'content-length']) == len(rest), (answer, said)
    finally:
        gateway.delete_api(ApiId=api)
        functions.delete_function(FunctionName=name)


def test_keys_are_names_and_no_paths(server, client, s3, bucket, tmp_path):
    """What looks like a way up is the name of an object, in its bucket, and no file."""
    keys = ['../../../../etc/passwd', '..', '.', 'a/../b', '/absolute', '//', 'a//b', './a', 'a/./b', '%2e%2e/x',
            '..%2f..%2fetc', '\\..\\x', 'a\x01b', '~', 'C:\\x', 'nul', 'a' * 1024, '-rf', '$(id)', "';--", '<a>&"\'']
    for number, key in enumerate(keys):
        body = f'{number}'.encode()
        s3.put_object(Bucket=bucket, Key=key, Body=body)
        assert s3.get_object(Bucket=bucket, Key=key)['Body'].read() == body, key
    listed = [urllib.parse.unquote_plus(found['Key']) for found in
              s3.list_objects_v2(Bucket=bucket, EncodingType='url')['Contents']]
    assert sorted(listed, key=str.encode) == sorted(keys, key=str.encode)
    for target in (f'/{bucket}/../../etc/passwd', f'/../{bucket}/..', '/../../../../etc/passwd', '/%2e%2e/%2e%2e/etc/passwd',
                   f'/{bucket}/%00', f'/{bucket}/%ff', f'/{bucket}/%', f'/{bucket}%2f..%2f'):
        answer = ask(server, 'GET', target)
        assert 400 <= answer.status < 500 and b'root:' not in answer.text, (target, answer.text)


def test_hosts_of_all_kinds(server):
    """A host that is no host name gets an answer that is a refusal."""
    for host in [b'', b'%00', b'a b', b'../x', b'[::1', b'x' * 5000, b'a..b.localhost', b'.localhost', b'..localhost',
                 b'.execute-api.localhost', b'a.execute-api.localhost:99999999', b'\xff\xfe.localhost', b'localhost:-1',
                 b'x.lambda-url.localhost', b'eddy.localhost@evil', b'*.localhost', b'xn--.localhost', b'127.0.0.1:x']:
        said = speak(server, b'GET / HTTP/1.1\r\nHost: ' + host + b'\r\nConnection: close\r\n\r\n')
        assert said.startswith(b'HTTP/1.1 4'), (host, said)
    for head in [b'', b'Host: a.localhost\r\nHost: b.localhost\r\n']:
        said = speak(server, b'GET /x/y HTTP/1.1\r\n' + head + b'Connection: close\r\n\r\n')
        assert said.startswith(b'HTTP/1.1 4'), (head, said)


def test_inflated_bodies_and_headers(server, client):
    """A small gzip that is a large body, and claims of encoding that are none."""
    bomb = zlib.compressobj(9, zlib.DEFLATED, 31)
    small = b''.join(bomb.compress(bytes(1 << 20)) for _ in range(256)) + bomb.flush()
    for data, encoding in [(small, 'gzip'), (b'no gzip', 'gzip'), (small[:100], 'gzip'), (b'{}', 'br'), (b'{}', 'gzip, gzip')]:
        answer = sign(server, 'POST', '/', 'logs', data, headers={
            'content-encoding': encoding, 'x-amz-target': 'Logs_20140328.PutLogEvents',
            'content-type': 'application/x-amz-json-1.1'})
        assert 400 <= answer.status < 500, (encoding, answer.status, answer.text)
