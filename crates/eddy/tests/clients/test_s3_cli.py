"""What people do with `aws s3` and with boto3's managed transfer."""
import hashlib
import http.client
import io
import os
import pathlib
import subprocess
import sys
import urllib.parse
import uuid

import boto3.s3.transfer
import pytest

from over_s3 import CHINESE, MIB, random_bytes

AWS = pathlib.Path(sys.executable).parent / 'aws'
SMALL = {'a.txt': b'a', 'in/b.txt': b'bb', 'in/deeper/c.bin': b'\0' * 70_000, f'in/{CHINESE}': b'name'}
#: More than the CLI sends in one piece.
LARGE = {'large.bin': random_bytes(9 * MIB)}


@pytest.fixture
def aws(server, tmp_path):
    """`aws s3 ...`, which must succeed; gives what it prints."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith('AWS_')}
    environment |= server.variables | {'AWS_CONFIG_FILE': os.devnull, 'AWS_SHARED_CREDENTIALS_FILE': os.devnull,
                                       'LC_ALL': 'C.UTF-8', 'PYTHONUTF8': '1'}

    def run(*words, **options):
        done = subprocess.run([AWS, 's3', *map(str, words)], capture_output=True, timeout=60, env=environment,
                              cwd=tmp_path, **options)
        assert done.returncode == 0, (words, done.stderr.decode())
        return done.stdout

    return run


@pytest.fixture
def folder(tmp_path):
    return write(tmp_path / 'here', SMALL | LARGE)


def write(folder, files):
    for name, body in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(body)
    return folder


def read(folder):
    files = (path for path in folder.rglob('*') if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def stored(s3, bucket):
    """Keys and sizes."""
    pages = s3.get_paginator('list_objects_v2').paginate(Bucket=bucket)
    return {entry['Key']: entry['Size'] for page in pages for entry in page.get('Contents', [])}


def sizes(files):
    return {name: len(body) for name, body in files.items()}


def test_folders_are_kept_alike(aws, s3, bucket, folder, tmp_path):
    there = f's3://{bucket}/kept'
    assert aws('sync', folder, there).count(b'upload: ') == 5
    assert stored(s3, bucket) == sizes({f'kept/{name}': body for name, body in (SMALL | LARGE).items()})
    assert aws('sync', folder, there, '--size-only') == b'', 'nothing is to be done'
    (folder / 'a.txt').write_bytes(b'longer')
    (folder / 'in/b.txt').unlink()
    told = aws('sync', folder, there, '--size-only', '--delete', '--no-progress').decode().splitlines()
    assert sorted(line.split(':')[0] for line in told) == ['delete', 'upload'], told
    assert aws('sync', there, tmp_path / 'back').count(b'download: ') == 4
    assert read(tmp_path / 'back') == read(folder)


def test_trees_are_listed_copied_moved_and_removed(aws, s3, bucket, folder):
    other = f'b-{uuid.uuid4().hex[:20]}'
    aws('mb', f's3://{other}')
    aws('cp', folder, f's3://{bucket}/tree', '--recursive', '--quiet')
    listed = aws('ls', f's3://{bucket}', '--recursive', '--summarize').decode()
    total = sum(sizes(SMALL | LARGE).values())
    assert f'tree/in/{CHINESE}\n' in listed
    assert listed.endswith(f'\nTotal Objects: 5\n   Total Size: {total}\n'), listed
    rolled = aws('ls', f's3://{bucket}/tree/').decode().splitlines()
    assert [line.split()[-1] for line in rolled] == ['in/', 'a.txt', 'large.bin']
    # Copies from bucket to bucket move no bytes, the large one in parts.
    aws('cp', f's3://{bucket}/tree', f's3://{other}/copy', '--recursive', '--quiet')
    assert stored(s3, other) == sizes({f'copy/{name}': body for name, body in (SMALL | LARGE).items()})
    aws('mv', f's3://{other}/copy/large.bin', f's3://{other}/moved.bin')
    aws('mv', f's3://{bucket}/tree/in', f's3://{other}/in', '--recursive')
    assert stored(s3, bucket).keys() == {'tree/a.txt', 'tree/large.bin'}
    assert s3.get_object(Bucket=other, Key='moved.bin')['Body'].read() == LARGE['large.bin']
    aws('rm', f's3://{other}', '--recursive', '--exclude', '*.bin')
    assert stored(s3, other).keys() == {'moved.bin', 'copy/in/deeper/c.bin', 'in/deeper/c.bin'}
    aws('rb', f's3://{other}', '--force')
    assert other not in [listed['Name'] for listed in s3.list_buckets()['Buckets']]


def test_streams_go_through_the_command_line(aws, s3, bucket):
    body = random_bytes(20 * MIB)
    aws('cp', '-', f's3://{bucket}/{CHINESE}', input=body)
    head = s3.head_object(Bucket=bucket, Key=CHINESE)
    assert (head['ContentLength'], head['ETag'][-3:]) == (20 * MIB, '-3"')
    assert aws('cp', f's3://{bucket}/{CHINESE}', '-') == body
    aws('cp', '-', f's3://{bucket}/empty', input=b'')
    assert s3.head_object(Bucket=bucket, Key='empty')['ContentLength'] == 0


def test_a_presigned_address_of_the_command_line(aws, server, s3, bucket):
    s3.put_object(Bucket=bucket, Key=CHINESE, Body=b'presigned')
    url = urllib.parse.urlsplit(aws('presign', f's3://{bucket}/{CHINESE}', '--expires-in', '60').decode().strip())
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=30)
    connection.request('GET', f'{url.path}?{url.query}')
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (200, b'presigned')


class Pipe(io.RawIOBase):
    """A stream that cannot go back and does not say how long it is."""

    def __init__(self, body):
        self.rest = io.BytesIO(body)

    def readable(self):
        return True

    def readinto(self, buffer):
        return self.rest.readinto(buffer)


def test_managed_transfers_of_streams(s3, bucket, tmp_path):
    body = random_bytes(20 * MIB, seed=2)
    config = boto3.s3.transfer.TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB, max_concurrency=4)
    s3.upload_fileobj(Pipe(body), bucket, 'key', Config=config)
    digests = [hashlib.md5(body[at:at + 5 * MIB]).digest() for at in range(0, len(body), 5 * MIB)]
    assert s3.head_object(Bucket=bucket, Key='key')['ETag'] == f'"{hashlib.md5(b"".join(digests)).hexdigest()}-4"'
    s3.download_file(bucket, 'key', str(tmp_path / 'back'), Config=config)
    assert (tmp_path / 'back').read_bytes() == body
