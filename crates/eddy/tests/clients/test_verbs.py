"""What scripts rely on: verbs, exit codes, health, signals."""
import io
import json
import os
import select
import signal
import socket
import subprocess
import time
import urllib.request
import zipfile

import botocore.exceptions
import pytest


def health(server):
    try:
        with urllib.request.urlopen(f'{server.url}/_eddy/health', timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_env_prints_what_sdks_need(server):
    lines = server.run('env').splitlines()
    names = {line.split('=')[0].removeprefix('export ') for line in lines}
    assert {'AWS_ENDPOINT_URL', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_DEFAULT_REGION'} <= names
    assert f'export AWS_ENDPOINT_URL={server.url}' in lines


def test_env_refuses_another_address(server):
    done = server.run('env', '--listen', '127.0.0.1:1', check=False)
    assert done.returncode == 1
    assert server.address in done.stderr


def test_health_runs_a_commit_a_read_and_a_jail(server):
    status, body = health(server)
    assert status == 200, body
    assert {'commit', 'read', 'jail'} <= body['checks'].keys()


def test_caller_identity(client):
    assert client('sts').get_caller_identity()['Account'] == '000000000000'


def test_the_aws_command_line_works(server, tmp_path):
    import sys
    aws = [os.path.join(os.path.dirname(sys.executable), 'aws')]
    environment = {**os.environ, **server.variables, 'AWS_CONFIG_FILE': str(tmp_path / 'none')}
    done = subprocess.run([*aws, 'sts', 'get-caller-identity'], env=environment, capture_output=True, text=True,
                          timeout=60)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)['Account'] == '000000000000'


def test_an_unknown_key_is_refused_with_a_hint(server):
    import boto3
    sts = boto3.client('sts', endpoint_url=server.url, region_name='us-east-1', aws_access_key_id='test',
                       aws_secret_access_key='test')
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        sts.get_caller_identity()
    assert refused.value.response['Error']['Code'] == 'InvalidClientTokenId'
    assert 'eddy env' in refused.value.response['Error']['Message']


def test_a_port_in_use_is_named_with_what_answers_there(server, tmp_path):
    done = subprocess.run([server.eddy, 'up', '--listen', server.address, '--data', str(tmp_path / 'other')],
                          capture_output=True, text=True, timeout=30)
    assert done.returncode == 1
    assert f'port {server.port} is in use: another eddy answers there' in done.stderr and '--listen' in done.stderr


def test_a_port_in_use_by_another_program_is_named_too(server, tmp_path):
    with socket.socket() as other:
        other.bind(('127.0.0.1', 0))
        other.listen()
        address = f'127.0.0.1:{other.getsockname()[1]}'
        done = subprocess.run([server.eddy, 'up', '--listen', address, '--data', str(tmp_path / 'other')],
                              capture_output=True, text=True, timeout=30)
    assert done.returncode == 1
    assert address.split(':')[1] in done.stderr and '--listen' in done.stderr


def test_a_folder_that_is_none_is_refused_before_anything_serves(server, tmp_path):
    done = subprocess.run([server.eddy, 'up', str(tmp_path / 'nothing'), '--listen', '127.0.0.1:0', '--data',
                           str(tmp_path / 'data')], capture_output=True, text=True, timeout=30)
    assert done.returncode == 1 and 'no such folder' in done.stderr and 'serves' not in done.stderr
    assert not (tmp_path / 'data').exists()


def test_a_stop_waits_for_no_installation(tmp_path, fresh, monkeypatch):
    """An index that never answers holds nothing up, and who asks it ends with the server."""
    (tmp_path / 'stack').mkdir()
    (tmp_path / 'stack' / 'template.yaml').write_text('Resources: {B: {Type: AWS::S3::Bucket}}')
    with socket.socket() as index:
        index.bind(('127.0.0.1', 0))
        index.listen()
        for name in ('HTTP_PROXY', 'http_proxy', 'ALL_PROXY', 'all_proxy'):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv('PIP_CONFIG_FILE', os.devnull)
        monkeypatch.setenv('PIP_INDEX_URL', f'http://127.0.0.1:{index.getsockname()[1]}/simple')
        server = fresh(str(tmp_path / 'stack'))
        index.settimeout(30)
        asked, _ = index.accept()
        with asked:
            begun = time.monotonic()
            assert server.stop() == 0
            assert time.monotonic() - begun < 5
            asked.settimeout(10)
            while asked.recv(4096):
                pass


def test_a_second_server_on_the_same_folder_is_refused(server):
    done = subprocess.run([server.eddy, 'up', '--listen', '127.0.0.1:0', '--data', str(server.folder)],
                          capture_output=True, text=True, timeout=30)
    assert done.returncode == 1
    assert str(server.process.pid) in done.stderr


@pytest.mark.parametrize('how', [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains_and_exits_0(fresh, how):
    server = fresh()
    server.process.send_signal(how)
    assert server.process.wait(timeout=20) == 0
    assert not (server.folder / 'server.json').exists()


def test_verbs_without_a_server_say_how_to_start_one(tmp_path, server):
    done = subprocess.run([server.eddy, 'env', '--data', str(tmp_path)], capture_output=True, text=True, timeout=30)
    assert done.returncode == 1
    assert 'up --data' in done.stderr


def test_doctor_tells_settings_with_their_origin(server):
    report = json.loads(server.run('doctor', '--json', check=False).stdout)
    assert report['tier'] in 'ABCD'
    settings = {row['name']: row for row in report['settings']}
    assert settings['data']['origin'] == 'flag --data'
    assert report['pythons']


def test_modes_of_the_folder_and_its_key(server):
    assert server.folder.stat().st_mode & 0o777 == 0o700
    assert (server.folder / 'root.key').stat().st_mode & 0o777 == 0o600


def test_garbage_gets_a_4xx_and_a_request_id(server):
    for data in [b'{', b'\xff\xfe', b'<a>']:
        request = urllib.request.Request(server.url, data=data, method='POST',
                                         headers={'x-amz-target': 'Logs_20140328.DescribeLogGroups'})
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=10)
        assert 400 <= refused.value.code < 500
        assert refused.value.headers['x-amzn-requestid']


@pytest.fixture(scope='module')
def echo(client, runtime):
    """A function that gives its event back, or fails when that asks for it."""
    code = 'def handler(event, context):\n    if event.get("fail"):\n        raise ValueError("as asked")\n    return event\n'
    package = io.BytesIO()
    with zipfile.ZipFile(package, 'w') as archive:
        archive.writestr('index.py', code)
    client('lambda').create_function(
        FunctionName='echo-verb', Runtime=runtime, Handler='index.handler',
        Role='arn:aws:iam::000000000000:role/none', Code={'ZipFile': package.getvalue()})
    yield 'echo-verb'
    client('lambda').delete_function(FunctionName='echo-verb')


def test_invoke_prints_the_answer_and_nothing_else(server, echo):
    assert json.loads(server.run('invoke', echo, '-d', '{"a": 1}')) == {'a': 1}
    assert json.loads(server.run('invoke', echo)) == {}
    assert json.loads(server.run('invoke', echo, '--payload', '-', input='{"from": "stdin"}')) == {'from': 'stdin'}
    document = json.loads(server.run('invoke', echo, '-d', '{"a": 1}', '--json'))
    assert (document['status'], document['payload'], document['functionError']) == (200, {'a': 1}, None)
    assert server.run('invoke', echo, '--async') == ''


@pytest.mark.parametrize('words, says', [
    (['echo-verb', '-d', '{'], 'InvalidRequestContent'),
    (['no-such-function'], 'Function not found'),
    (['echo-verb', '-d', '{"fail": 1}'], 'eddy logs echo-verb --data'),
])
def test_invoke_says_what_failed(server, echo, words, says):
    done = server.run('invoke', *words, check=False)
    assert done.returncode == 1
    assert says in done.stderr


@pytest.fixture(scope='module')
def followed(server):
    """A log group with a stream, and a function that writes a line to it."""
    logs = server.client('logs')
    logs.create_log_group(logGroupName='/verbs/followed')
    logs.create_log_stream(logGroupName='/verbs/followed', logStreamName='lines')

    def write(message):
        logs.put_log_events(logGroupName='/verbs/followed', logStreamName='lines',
                            logEvents=[{'timestamp': int(time.time() * 1000), 'message': message}])

    return write


def follow(server, *words):
    """`eddy logs -f`; waits until it has printed something."""
    return subprocess.Popen([server.eddy, 'logs', '-f', '/verbs/followed', '--data', str(server.folder), *words],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def first_line(process, write):
    """Writes lines until the follower is there and prints one: it follows only from then on."""
    while not select.select([process.stdout], [], [], 0.1)[0]:
        assert process.poll() is None, process.stderr.read()
        write('knock')
    return process.stdout.readline()


def test_logs_are_followed_as_they_are_written(server, followed):
    follower = follow(server, '--filter', '-ERROR', '--json')
    try:
        assert json.loads(first_line(follower, followed))['message'] == 'knock'
        for message in ['first', 'an ERROR that is filtered out', 'second']:
            followed(message)
        told = []
        while 'second' not in told:
            told.append(json.loads(follower.stdout.readline())['message'])
        assert [message for message in told if message != 'knock'] == ['first', 'second']
        follower.send_signal(signal.SIGINT)
        assert follower.wait(timeout=10) == 0
        assert follower.stderr.read() == ''
    finally:
        follower.kill()
        follower.communicate()


def test_following_ends_with_the_server_and_does_not_hold_it_up(fresh):
    server = fresh()
    logs = server.client('logs')
    logs.create_log_group(logGroupName='/verbs/followed')
    logs.create_log_stream(logGroupName='/verbs/followed', logStreamName='lines')
    follower = follow(server)
    try:
        first_line(follower, lambda message: logs.put_log_events(
            logGroupName='/verbs/followed', logStreamName='lines',
            logEvents=[{'timestamp': int(time.time() * 1000), 'message': message}]))
        begun = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - begun < 8, 'a follower holds up the stop'
        _, err = follower.communicate(timeout=10)
        assert follower.returncode == 0 and 'has stopped' in err
    finally:
        follower.kill()
        follower.communicate()


@pytest.mark.parametrize('words', [['nobody'], ['-f', 'nobody'], ['/no/such/group'], ['-f', '/no/such/group']])
def test_logs_of_nothing_are_an_error_that_names_it(server, words):
    done = server.run('logs', *words, check=False)
    assert done.returncode == 1 and done.stdout == ''
    assert 'does not exist' in done.stderr


@pytest.mark.parametrize('words', [[], ['-f']])
def test_a_filter_that_is_none_is_refused(server, followed, words):
    done = server.run('logs', *words, '/verbs/followed', '--filter', '{ $.a = ', check=False)
    assert done.returncode == 1 and done.stderr.startswith('eddy: ')
