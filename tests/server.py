"""A web server on this machine, whose answers are right, or wrong in many ways."""

import contextlib
import hashlib
import http.server
import ssl
import threading
from pathlib import Path

import pytest

from lamina.utils.files import get_file

CONTENT = bytes(range(256)) * 40
SHA256 = hashlib.sha256(CONTENT).hexdigest()
CERTIFICATE = Path(__file__).with_name("localhost.pem")


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers `/good` and its faulty relatives; other paths from the server's `files`."""

    def do_GET(self):
        self.server.requests.append(self.path)
        getattr(self, "answer_" + self.path.strip("/").split("/")[0], self.answer_file)()

    def answer_file(self, body=None, length=None, **headers):
        body = self.server.files.get(self.path) if body is None else body
        if body is None:
            return self.send_error(404)
        self.send_response(200)
        if length != "none":
            self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def answer_good(self):
        self.answer_file(CONTENT)

    def answer_short(self):
        self.answer_file(CONTENT[:1200], length=len(CONTENT))

    def answer_silent(self):
        self.answer_file(CONTENT[:1200], length="none")

    def answer_whole(self):
        self.answer_file(CONTENT, length="none")

    def answer_chunked(self):
        self.protocol_version = "HTTP/1.1"
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        end = b"0\r\n\r\n" if self.path.endswith("whole") else b""
        self.wfile.write(b"%x\r\n%s\r\n%s" % (len(CONTENT), CONTENT, end))
        self.close_connection = True

    def answer_slow(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT[:5000])
        self.wfile.flush()
        self.server.half_sent.set()
        self.server.go_on.wait(20)

    def answer_redirect(self):
        self.send_response(302)
        self.send_header("Location", self.server.location)
        self.end_headers()

    def log_message(self, *arguments):
        pass


@contextlib.contextmanager
def running_server(certificate=None):
    """A server on this machine, over TLS where a certificate is given."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.files, running.requests, running.location = {}, [], "/good"
        running.half_sent, running.go_on = threading.Event(), threading.Event()
        running.url = f"http{'s' if certificate else ''}://127.0.0.1:{running.server_port}"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            running.socket = context.wrap_socket(running.socket, server_side=True)
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield running
        finally:
            running.go_on.set()
            running.shutdown()
            thread.join()


@pytest.fixture
def server():
    with running_server() as running:
        yield running


@pytest.fixture
def fetch(server, tmp_path):
    def run(path, fname="file", **options):
        return get_file(fname, server.url + path, cache_dir=tmp_path, **options)

    return run


def tree(folder):
    return sorted(str(path.relative_to(folder)) for path in Path(folder).rglob("*"))
