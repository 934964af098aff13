"""`eddy deploy` as people type it: twice, with parameters, as JSON, and with templates that cannot be."""
import json
import textwrap
import time
import urllib.request

import pytest

TEMPLATE = '''
    Transform: AWS::Serverless-2016-10-31
    Parameters:
      Runtime: {Type: String, Default: python3.13}
      Greeting: {Type: String, Default: Hello}
      Size: {Type: Number, Default: 128, MinValue: 128}
    Resources:
      Greet:
        Type: AWS::Serverless::Function
        Properties:
          FunctionName: deployed-greet
          CodeUri: greet/
          Handler: app.handler
          Runtime: !Ref Runtime
          MemorySize: !Ref Size
          Environment: {Variables: {GREETING: !Ref Greeting}}
          FunctionUrlConfig: {AuthType: NONE}
          Events:
            Get: {Type: HttpApi, Properties: {Path: '/greet/{name}', Method: get}}
    Outputs:
      Url: {Value: !Sub 'https://${ServerlessHttpApi}.execute-api.${AWS::Region}.amazonaws.com/greet/World'}
      Function: {Value: !GetAtt Greet.Arn}
      FunctionUrl: {Value: !GetAtt GreetUrl.FunctionUrl}
'''
CODE = '''
    import os
    def handler(event, context):
        name = (event.get('pathParameters') or {}).get('name', 'nobody')
        return {'statusCode': 200, 'body': os.environ['GREETING'] + ', ' + name}
'''


@pytest.fixture
def app(tmp_path):
    folder = tmp_path / f'greeting-{tmp_path.name.replace("_", "-")}'
    (folder / 'greet').mkdir(parents=True)
    (folder / 'greet/app.py').write_text(textwrap.dedent(CODE))
    (folder / 'template.yaml').write_text(textwrap.dedent(TEMPLATE))
    return folder


def get(url):
    with urllib.request.urlopen(url, timeout=30) as answer:
        return answer.read().decode()


def test_a_folder_is_deployed_and_changed(server, app):
    first = json.loads(server.run('deploy', str(app), '--json'))
    assert {step['done'] for step in first['steps']} == {'made'}
    assert first['outputs']['Url'].endswith('.execute-api.us-east-1.amazonaws.com/greet/World')
    here = first['here']['Url']
    assert here.startswith(server.url) and list(first['here']) == ['Url']
    assert get(here) == 'Hello, World'
    assert f':{server.port}/' in first['outputs']['FunctionUrl']

    again = json.loads(server.run('deploy', str(app), '--json'))
    assert again['steps'] == []
    assert 'nothing to change' in server.run('deploy', str(app), check=False).stderr

    said = server.run('deploy', str(app), '--parameter-overrides', 'Greeting=Good day', 'Size=256')
    assert 'changed AWS::Lambda::Function Greet (deployed-greet)' in said
    assert f'here: {here}' in said
    assert get(here) == 'Good day, World'
    said = server.run('deploy', str(app), '--parameter-overrides', 'ParameterKey=Greeting,ParameterValue=Hi')
    assert get(here) == 'Hi, World'
    server.run('deploy', str(app), '--parameter', 'Greeting=Hey')
    assert get(here) == 'Hey, World'

    # What left is removed; what is in a bucket is not.
    (app / 'template.yaml').write_text('Resources: {Kept: {Type: AWS::S3::Bucket, Properties: {BucketName: deployed-kept}}}')
    server.run('deploy', str(app))
    functions = server.client('lambda').list_functions()['Functions']
    assert 'deployed-greet' not in [function['FunctionName'] for function in functions]
    s3 = server.client('s3')
    s3.put_object(Bucket='deployed-kept', Key='a', Body=b'a')
    (app / 'template.yaml').write_text('Resources: {Other: {Type: AWS::S3::Bucket, Properties: {BucketName: deployed-other}}}')
    assert 'kept AWS::S3::Bucket Kept (deployed-kept)' in server.run('deploy', str(app))
    s3.delete_object(Bucket='deployed-kept', Key='a')
    assert 'removed AWS::S3::Bucket Kept (deployed-kept)' in server.run('deploy', str(app))
    s3.delete_bucket(Bucket='deployed-other')


@pytest.mark.parametrize('change, line, said', [
    (('Handler: app.handler', 'Tracing: Active'), 12, 'the property Tracing of Greet is not supported'),
    (('!Ref Runtime', 'python2.7'), 13, 'Greet: CreateFunction: InvalidParameterValueException: there is no runtime python2.7'),
    (('Type: HttpApi', 'Type: Api'), 18, 'the event type Api of Greet is not supported'),
    (('greet/\n', 'gone/\n'), 11, 'there is no gone/ beside the template'),
    (('!GetAtt Greet.Arn', '!GetAtt Greet.Name'), 21, 'Greet has no attribute Name'),
    (('Size: {Type', 'Size: {Rule: 1, Type'), 5, 'Rule of the parameter Size is not supported'),
])
def test_what_cannot_be_is_one_line_and_changes_nothing(server, app, change, line, said):
    template = app / 'template.yaml'
    text = template.read_text()
    assert change[0] in text
    template.write_text(text.lstrip('\n').replace(*change))
    before = server.client('iam').list_roles()['Roles']
    done = server.run('deploy', str(app), check=False)
    assert done.returncode == 1
    [refusal] = done.stderr.strip().splitlines()
    assert f'{template}:{line}: ' in refusal and said in refusal
    assert server.client('iam').list_roles()['Roles'] == before


@pytest.mark.parametrize('words, said', [
    (['--parameter', 'Greeting'], 'the parameter Greeting: it is NAME=VALUE'),
    (['--parameter', 'Nobody=1'], 'the template has no parameter Nobody'),
    (['--stack', '1st'], '--stack 1st: a letter, then letters, digits and hyphens'),
    (['--parameter-overrides', 'Size=1'], 'the parameter Size is at least 128, not 1'),
])
def test_parameters_that_cannot_be(server, app, words, said):
    done = server.run('deploy', str(app), *words, check=False)
    assert done.returncode == 1 and said in done.stderr


def test_a_stack_is_its_folders_unless_named(server, tmp_path):
    for name in ['one', 'other']:
        (tmp_path / name / 'same').mkdir(parents=True)
        (tmp_path / name / 'same/template.yaml').write_text(
            f'Resources: {{B: {{Type: AWS::S3::Bucket, Properties: {{BucketName: stack-of-{name}}}}}}}')
    server.run('deploy', str(tmp_path / 'one/same'))
    done = server.run('deploy', str(tmp_path / 'other/same'), check=False)
    assert done.returncode == 1
    assert f'same was deployed from {tmp_path}/one/same' in done.stderr and '--stack' in done.stderr
    server.run('deploy', str(tmp_path / 'other/same'), '--stack', 'another')
    said = server.run('deploy', str(tmp_path / 'one/same'), '--stack-name', 'same', '--json')
    assert json.loads(said)['steps'] == []
    buckets = {bucket['Name'] for bucket in server.client('s3').list_buckets()['Buckets']}
    assert {'stack-of-one', 'stack-of-other'} <= buckets
    for name in ['one', 'other']:
        server.client('s3').delete_bucket(Bucket=f'stack-of-{name}')


def test_a_folder_without_a_template(server, tmp_path):
    done = server.run('deploy', str(tmp_path), check=False)
    assert done.returncode == 1
    assert 'there is no template.yaml, no template.yml, no template.json' in done.stderr
    assert server.run('deploy', str(tmp_path / 'nowhere'), check=False).returncode == 1


def test_up_deploys_before_boto3_is_there(app, fresh, tmp_path, monkeypatch):
    """The index never answers: health and deployment do not wait for it, and functions only for a while."""
    import socket
    with socket.socket() as index:
        index.bind(('127.0.0.1', 0))
        index.listen()
        monkeypatch.setenv('PIP_INDEX_URL', f'http://127.0.0.1:{index.getsockname()[1]}/simple')
        started = time.monotonic()
        server = fresh(str(app))
        with urllib.request.urlopen(f'{server.url}/_eddy/health', timeout=10) as answer:
            assert answer.status == 200
        while 'deployed ' not in server.said():
            assert 'not deployed' not in server.said() and time.monotonic() - started < 15, server.said()
            time.sleep(0.02)
        assert 'is there for functions' not in server.said()
    # The index is gone now, so the installation ends, and with it the waiting.
    url = json.loads(server.run('deploy', str(app), '--json'))['here']['Url']
    assert get(url) == 'Hello, World'
    assert 'boto3 is not installed' in server.said()
