"""The samples as a new user meets them: what the README says is typed here."""
import json
import pathlib
import re
import shutil
import subprocess
import time
import urllib.request

import pytest

SAMPLES = pathlib.Path(__file__).parents[4] / 'samples'
MENDED = "s3.copy({'Bucket': bucket, 'Key': key}, 'destination-bucket', 'destination-key')"


def wait_for(what, patience=60):
    """Asks until the answer is true; gives it."""
    ends = time.monotonic() + patience
    while True:
        answer = what()
        if answer or time.monotonic() > ends:
            assert answer, 'waited in vain'
            return answer
        time.sleep(0.05)


@pytest.fixture
def samples(tmp_path, fresh):
    folder = tmp_path / 'samples'
    shutil.copytree(SAMPLES, folder)
    server = fresh(str(folder))
    server.samples = folder
    wait_for(lambda: 'deployed ' in server.said() or 'not deployed' in server.said())
    assert 'not deployed' not in server.said(), server.said()
    return server


def hello_url(server):
    return re.search(r"http://\S+/hello", server.said()).group(0).strip("'")


def post(url, body, headers):
    request = urllib.request.Request(url, data=body, headers=headers, method='POST')
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def exists(s3, bucket, key):
    return any(found['Key'] == key for found in s3.list_objects_v2(Bucket=bucket).get('Contents', []))


def test_hello_answers(samples):
    url = hello_url(samples)
    status, body = post(url, b'{"name":"World"}', {'content-type': 'application/json'})
    assert (status, body) == (200, b'"Hello, World!"')


def test_hello_without_the_header_fails_as_on_aws_and_eddy_says_why(samples):
    url = hello_url(samples)
    status, body = post(url, b'{"name":"World"}', {'content-type': 'application/x-www-form-urlencoded'})
    assert status == 500
    assert json.loads(body) == {'message': 'Internal Server Error'}
    wait_for(lambda: 'JSONDecodeError' in samples.said())
    wait_for(lambda: 'base64' in samples.said())


def test_the_banners_curls_run_as_pasted(samples):
    curls = re.findall(r'^\s*(curl .*)$', samples.said(), re.MULTILINE)
    assert len(curls) >= 3
    said = []
    for curl in curls:
        file = samples.folder.parent / 'FILE'
        file.write_text('from the banner')
        done = subprocess.run(['bash', '-c', curl.replace(' FILE ', f' {file} ')], capture_output=True, text=True,
                              timeout=30)
        assert done.returncode == 0, done.stderr
        said.append(done.stdout)
    assert '"Hello, World!"' in said[0]
    wait_for(lambda: 'from the banner' in subprocess.run(['bash', '-c', curls[-1]], capture_output=True,
                                                         text=True).stdout)


@pytest.mark.parametrize('key', ['a.txt', 'folder/two words.txt', '年度 报告+1.txt'])
def test_what_is_uploaded_is_copied(samples, key):
    s3 = samples.client('s3')
    s3.put_object(Bucket='source', Key=key, Body=b'hello')
    wait_for(lambda: exists(s3, 'destination-bucket', key))
    assert s3.get_object(Bucket='destination-bucket', Key=key)['Body'].read() == b'hello'


def test_a_mistake_is_found_mended_and_resent(samples):
    s3 = samples.client('s3')
    s3.put_object(Bucket='broken-source', Key='a.txt', Body=b'hello')
    wait_for(lambda: 'attempt 1 of 3' in samples.said())
    failed = wait_for(lambda: [json.loads(line) for line in
                               samples.run('events', '--failed', '--json').splitlines()])
    assert len(failed) == 1

    def told():
        return json.loads(samples.run('events', 'show', failed[0]['id'], '--json'))

    story = wait_for(lambda: (lambda story: story if story['letters'] else None)(told()))
    letter = story['letters'][0]
    assert len(letter['attempts']) == 3
    assert letter['codeVersion']
    assert "'str' object has no attribute" in letter['message']
    assert 's3.copy(' in letter['trace']
    assert story['event']['subject'] == 'a.txt'
    assert 'Traceback' in samples.run('logs', 'copy-broken')
    app = samples.samples / 'copy-broken' / 'app.py'
    before = samples.client('lambda').get_function_configuration(FunctionName='copy-broken')['CodeSha256']
    lines = app.read_text().splitlines()
    app.write_text('\n'.join(f'    {MENDED}' if line.strip().startswith('s3.copy(') else line for line in lines))
    wait_for(lambda: samples.client('lambda').get_function_configuration(
        FunctionName='copy-broken')['CodeSha256'] != before)
    samples.run('events', 'resend', failed[0]['id'])
    wait_for(lambda: exists(s3, 'destination-bucket', 'destination-key'))


def test_trace_tells_what_caused_what(samples):
    s3 = samples.client('s3')
    answer = s3.put_object(Bucket='source', Key='traced.txt', Body=b'hello')
    wait_for(lambda: exists(s3, 'destination-bucket', 'traced.txt'))
    request_id = answer['ResponseMetadata']['RequestId']

    def tree():
        return samples.run('trace', request_id, check=False).stdout

    lines = wait_for(lambda: (lambda lines: lines if len(lines) >= 3 else None)(tree().splitlines()))
    assert 'source/traced.txt' in lines[0] and not lines[0].startswith(' ')
    assert any('copy' in line and line.startswith('  ') for line in lines[1:])
    assert any('destination-bucket/traced.txt' in line and line.startswith('    ') for line in lines[1:])
    assert samples.run('trace', 'source/traced.txt').splitlines()[0] == lines[0]


def test_a_second_start_finds_everything(samples, fresh):
    s3 = samples.client('s3')
    s3.put_object(Bucket='source', Key='kept.txt', Body=b'kept')
    wait_for(lambda: exists(s3, 'destination-bucket', 'kept.txt'))
    assert samples.stop() == 0
    again = fresh(folder=samples.folder)
    assert again.client('s3').get_object(Bucket='destination-bucket', Key='kept.txt')['Body'].read() == b'kept'
    answer = again.client('lambda').list_functions()
    assert {function['FunctionName'] for function in answer['Functions']} == {'hello', 'copy', 'copy-broken'}
