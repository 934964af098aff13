"""What scripts rely on: verbs, exit codes, health, signals."""
import io
import json
import os
import signal
import socket
import subprocess
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
    assert str(server.port) in done.stderr and 'eddy' in done.stderr and '--listen' in done.stderr


def test_a_port_in_use_by_another_program_is_named_too(server, tmp_path):
    with socket.socket() as other:
        other.bind(('127.0.0.1', 0))
        other.listen()
        address = f'127.0.0.1:{other.getsockname()[1]}'
        done = subprocess.run([server.eddy, 'up', '--listen', address, '--data', str(tmp_path / 'other')],
                              capture_output=True, text=True, timeout=30)
    assert done.returncode == 1
    assert address.split(':')[1] in done.stderr and '--listen' in done.stderr


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
