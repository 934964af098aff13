"""Fetches pinned wheels and unpacks them into one folder, with the standard library alone.

Works where there is neither pip nor venv, and asks where pip would ask: its index, its proxy, its certificates,
from its variables and its files. Each wheel is held against its SHA-256 before a byte of it is unpacked.

Arguments: the file of requirements, the folder to fill, and optionally a folder of wheels to take instead of any
index. Prints one line for each package; on failure one line on standard error, and exits 1.
"""
import configparser
import hashlib
import html.parser
import io
import json
import os
import re
import ssl
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request
import zipfile

INDEX = "https://pypi.org/simple"
WHEEL_BYTES_MAX = 64 * 1024 * 1024
UNPACKED_BYTES_MAX = 256 * 1024 * 1024
JSON_PAGE = "application/vnd.pypi.simple.v1+json"


class Failed(Exception):
    pass


def read_requirements(path):
    with open(path) as lines:
        for line in lines:
            match = re.fullmatch(r"(\S+)==(\S+) --hash=sha256:([0-9a-f]{64})", line.strip())
            if match:
                yield match.groups()


class Settings:
    """What pip would be told: a variable, else a file; of several files the last."""

    def __init__(self):
        home = os.path.expanduser("~")
        config_home = os.environ.get("XDG_CONFIG_HOME") or os.path.join(home, ".config")
        files = ["/etc/xdg/pip/pip.conf", "/etc/pip.conf", os.path.join(home, ".pip", "pip.conf")]
        files.append(os.path.join(config_home, "pip", "pip.conf"))
        if os.environ.get("VIRTUAL_ENV"):
            files.append(os.path.join(os.environ["VIRTUAL_ENV"], "pip.conf"))
        named = os.environ.get("PIP_CONFIG_FILE")
        if named == os.devnull:
            files = []
        elif named:
            files.append(named)
        self.file = configparser.RawConfigParser(strict=False)
        try:
            self.file.read(files)
        except configparser.Error as error:
            raise Failed(f"pip's configuration cannot be read: {error}")

    def get(self, name):
        value = os.environ.get("PIP_" + name.upper().replace("-", "_"))
        if value is not None:
            return value.strip()
        for section in ("download", "install", "global"):
            for key in (name, name.replace("-", "_")):
                if self.file.has_option(section, key):
                    return self.file.get(section, key).strip()
        return ""

    def words(self, name):
        return self.get(name).split()

    def indexes(self):
        if self.get("no-index").lower() in ("1", "true", "yes", "on"):
            return []
        return [self.get("index-url") or INDEX, *self.words("extra-index-url")]

    def certificates(self):
        names = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
        return self.get("cert") or next((os.environ[name] for name in names if os.environ.get(name)), None)


class Client:
    def __init__(self, settings):
        self.settings = settings
        self.trusted = set(settings.words("trusted-host"))
        self.timeout = float(settings.get("default-timeout") or settings.get("timeout") or 15)

    def open(self, url, accept="*/*"):
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in ("http", "https", "file"):
            raise Failed(f"{without_secret(url)}: not an address that packages are fetched from")
        host = parts.hostname or ""
        if parts.scheme == "http" and host not in self.trusted and host not in ("localhost", "127.0.0.1", "::1"):
            if f"{host}:{parts.port}" not in self.trusted:
                raise Failed(f"{without_secret(url)} is not https; name it in pip's trusted-host to use it")
        context = ssl.create_default_context(cafile=self.settings.certificates())
        if host in self.trusted or f"{host}:{parts.port}" in self.trusted:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        handlers = [urllib.request.HTTPSHandler(context=context)]
        if self.settings.get("proxy"):
            proxy = self.settings.get("proxy")
            handlers.append(urllib.request.ProxyHandler({"http": proxy, "https": proxy}))
        headers = {"Accept": accept, "User-Agent": "eddy"}
        if parts.username:
            import base64

            pair = f"{urllib.parse.unquote(parts.username)}:{urllib.parse.unquote(parts.password or '')}"
            headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
            url = urllib.parse.urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
        try:
            return urllib.request.build_opener(*handlers).open(
                urllib.request.Request(url, headers=headers), timeout=self.timeout
            )
        except (urllib.error.URLError, OSError) as error:
            raise Failed(f"{without_secret(url)}: {getattr(error, 'reason', error)}")

    def read(self, url, most, accept="*/*"):
        try:
            with self.open(url, accept) as response:
                body = response.read(most + 1)
                kind = response.headers.get("Content-Type", "")
                final = response.geturl()
        except OSError as error:
            raise Failed(f"{without_secret(url)}: {error}")
        if len(body) > most:
            raise Failed(f"{without_secret(url)}: larger than {most} bytes")
        return body, kind, final


def without_secret(url):
    parts = urllib.parse.urlsplit(url)
    return urllib.parse.urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


class Links(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.links = []

    def handle_starttag(self, tag, attributes):
        href = dict(attributes).get("href") if tag == "a" else None
        if href:
            self.links.append(href)


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def is_wheel(file, name, version):
    parts = file[:-4].split("-") if file.endswith(".whl") else []
    return len(parts) >= 5 and normal(parts[0]) == normal(name) and parts[1] == version and parts[-1] == "any"


def page_links(client, url):
    """The files that a page of an index, or any page, links to."""
    body, kind, final = client.read(url, WHEEL_BYTES_MAX, f"{JSON_PAGE}, text/html;q=0.2")
    if kind.startswith(JSON_PAGE):
        return [urllib.parse.urljoin(final, file["url"]) for file in json.loads(body)["files"]]
    parser = Links()
    parser.feed(body.decode("utf-8", "replace"))
    return [urllib.parse.urljoin(final, link) for link in parser.links]


def in_folder(folder, name, version):
    try:
        files = sorted(os.listdir(folder))
    except OSError as error:
        raise Failed(f"{folder}: {error.strerror}")
    return [os.path.join(folder, file) for file in files if is_wheel(file, name, version)]


def sources(client, wheels, name, version):
    """Each place that may have the wheel: a way to read it, and what to call it."""
    if wheels:
        for path in in_folder(wheels, name, version):
            yield path, lambda path=path: read_file(path)
        return
    pages = [f"{index.rstrip('/')}/{normal(name)}/" for index in client.settings.indexes()]
    for place in client.settings.words("find-links"):
        if "://" in place:
            pages.insert(0, place)
        elif os.path.isdir(place):
            for path in in_folder(place, name, version):
                yield path, lambda path=path: read_file(path)
    for page in pages:
        try:
            links = page_links(client, page)
        except Failed as failed:
            yield without_secret(page), lambda failed=failed: refuse(failed)
            continue
        for link in links:
            file = urllib.parse.unquote(urllib.parse.urlsplit(link).path.rpartition("/")[2])
            if is_wheel(file, name, version):
                yield without_secret(link), lambda link=link, page=page: client.read(as_page(link, page), WHEEL_BYTES_MAX)[0]


def as_page(link, page):
    """A file on the index's own host is fetched with the index's name and password."""
    link, page = urllib.parse.urlsplit(link), urllib.parse.urlsplit(page)
    if page.username and link.hostname == page.hostname and not link.username:
        link = link._replace(netloc=page.netloc)
    return urllib.parse.urlunsplit(link._replace(fragment=""))


def refuse(failed):
    raise failed


def read_file(path):
    with open(path, "rb") as file:
        return file.read(WHEEL_BYTES_MAX)


def fetch(client, wheels, name, version, digest):
    reasons = []
    for place, read in sources(client, wheels, name, version):
        try:
            body = read()
        except (Failed, OSError) as failed:
            reasons.append(str(failed))
            continue
        if hashlib.sha256(body).hexdigest() == digest:
            return body
        reasons.append(f"{place}: its SHA-256 is not the pinned one")
    raise Failed(f"cannot get {name} {version}: " + ("; ".join(reasons) or "nobody has its wheel"))


def unpack(body, into, room):
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        for entry in archive.infolist():
            parts = entry.filename.split("/")
            if entry.filename.startswith("/") or ".." in parts or "\\" in entry.filename:
                raise Failed(f"the wheel has a file outside itself: {entry.filename}")
            room -= entry.file_size
            if room < 0:
                raise Failed("the wheels are larger than any that are pinned")
            if entry.is_dir() or parts[0].endswith(".data"):
                continue
            path = os.path.join(into, *parts)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with archive.open(entry) as source, open(path, "wb") as target:
                target.write(source.read())
    return room


def main(requirements, into, wheels=None):
    client = Client(Settings())
    room = UNPACKED_BYTES_MAX
    for name, version, digest in read_requirements(requirements):
        room = unpack(fetch(client, wheels, name, version, digest), into, room)
        print(f"{name} {version}", flush=True)


if __name__ == "__main__":
    # Standard input ends with whoever started this.
    threading.Thread(target=lambda: (os.read(0, 1), os._exit(1)), daemon=True).start()
    os.umask(0o022)
    try:
        main(*sys.argv[1:])
    except Failed as failed:
        sys.exit(str(failed))
