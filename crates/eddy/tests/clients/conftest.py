"""Starts the real binary once for all client tests, in a folder of its own, and ends it whatever happens.

Tests take the fixtures `server` (address, folder, run(...) for verbs) and `client(service)`.
"""
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import uuid

import boto3
import botocore.config
import pytest


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


class Server:
    """One eddy. `start` waits for the line that says it serves.

    `within` is a command that starts eddy as its child or in its own place (strace, unshare). Where that has
    mounts of its own, `folder` is reached through /proc once eddy serves.
    """

    def __init__(self, folder, *words, within=()):
        self.eddy = os.environ['EDDY']
        self.folder = pathlib.Path(folder)
        self.words = words
        self.within = [str(word) for word in within]
        self.port = free_port()
        self.address = f'127.0.0.1:{self.port}'
        self.url = f'http://{self.address}'
        self.process = None
        self.pid = None

    def start(self):
        environment = {**os.environ, 'AWS_DEFAULT_REGION': 'us-east-1'}
        for name in [name for name in environment if name.startswith('EDDY_')]:
            del environment[name]
        self.log = open(self.folder.parent / f'{self.folder.name}.log', 'ab')
        self.process = subprocess.Popen(
            [*self.within, self.eddy, 'up', '--json', *self.words, '--listen', self.address,
             '--data', str(self.folder)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log, env=environment)
        first = self.process.stdout.readline()
        assert first, f'eddy did not start: {self.said()}'
        self.listening = json.loads(first)
        self.pid = self.listening['pid']
        self.variables = json.loads(self.run('env', '--json'))
        return self

    def run(self, *words, check=True, **options):
        """One verb of the command line; gives its stdout."""
        done = subprocess.run([self.eddy, *words, '--data', str(self.seen_from_here())], capture_output=True,
                              text=True, timeout=60, **options)
        if check:
            assert done.returncode == 0, f'eddy {" ".join(words)}: {done.stderr}'
            return done.stdout
        return done

    def seen_from_here(self):
        """The data folder, also where eddy has mounts of its own."""
        return pathlib.Path(f'/proc/{self.pid}/root{self.folder}') if self.within else self.folder

    def said(self):
        return (self.folder.parent / f'{self.folder.name}.log').read_text(errors='replace')

    def kill(self):
        """kill -9; eddy itself, not what it was started within."""
        if self.process.poll() is None:
            os.kill(self.pid or self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self):
        """SIGTERM; gives the exit status."""
        os.kill(self.pid, signal.SIGTERM)
        return self.process.wait(timeout=20)

    def client(self, service, region='us-east-1', **config):
        config.setdefault('retries', {'total_max_attempts': 1})
        session = boto3.session.Session()
        return session.client(
            service, endpoint_url=self.url, region_name=region,
            aws_access_key_id=self.variables['AWS_ACCESS_KEY_ID'],
            aws_secret_access_key=self.variables['AWS_SECRET_ACCESS_KEY'],
            config=botocore.config.Config(**config))


@pytest.fixture(scope='session')
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp('eddy') / 'data').start()
    variables = {name: value for name, value in server.variables.items()}
    before = dict(os.environ)
    os.environ.update(variables)
    yield server
    os.environ.clear()
    os.environ.update(before)
    if server.process.poll() is None:
        server.stop()


@pytest.fixture
def fresh(tmp_path):
    """A function that starts servers of their own; all are ended."""
    servers = []

    def start(*words, folder=None, within=()):
        servers.append(Server(folder or tmp_path / f'data{len(servers)}', *words, within=within))
        return servers[-1].start()

    yield start
    for server in servers:
        if server.process and server.process.poll() is None:
            server.kill()


@pytest.fixture(scope='session')
def client(server):
    return server.client


@pytest.fixture(scope='session')
def runtime():
    """The runtime name of a Python that this machine has."""
    version = '.'.join(str(part) for part in sys.version_info[:2])
    return f'python{version}'


@pytest.fixture(scope='module')
def s3(client):
    return client('s3')


@pytest.fixture
def bucket(s3):
    name = f'b-{uuid.uuid4().hex[:20]}'
    s3.create_bucket(Bucket=name)
    return name
