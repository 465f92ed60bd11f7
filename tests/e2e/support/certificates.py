"""Authorities, certificates and revocation lists, made on the spot by the openssl command, and TLS
contexts that use them."""

import shutil
import ssl
import subprocess
import tempfile
import warnings
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

CONFIG = """
[ca]
default_ca = own
[own]
dir = {folder}
database = {folder}/index
serial = {folder}/serial
crlnumber = {folder}/crlnumber
new_certs_dir = {folder}
certificate = {folder}/ca.pem
private_key = {folder}/ca.key
default_md = sha256
default_days = 30
default_crl_days = 30
policy = anything
unique_subject = no
[anything]
commonName = supplied
"""


def openssl(*arguments):
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"openssl {' '.join(map(str, arguments))}:\n{done.stderr}"
    return done.stdout


def stamp(days):
    return (datetime.now(timezone.utc) + timedelta(days=days)).strftime("%Y%m%d%H%M%SZ")


@dataclass
class Pair:
    """A certificate and its key, as paths."""

    certificate: str
    key: str

    def load(self, context):
        context.load_cert_chain(self.certificate, self.key)
        return context

    def settings(self, **more):
        """As `tls` of a listener or an upstream."""
        return {"certificate": self.certificate, "key": self.key, **more}


def old_versions(context):
    """Nothing newer than TLS 1.1, which the library itself only does at its lowest level."""
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1


class Authority:
    """An authority with its files in a folder of its own; use it with `with`. One with a parent is certified by it."""

    def __init__(self, name="Test Authority", parent=None):
        self.folder = Path(tempfile.mkdtemp(prefix="fusegate-ca-"))
        self.file = str(self.folder / "ca.pem")
        self._count = 0
        (self.folder / "openssl.cnf").write_text(CONFIG.format(folder=self.folder))
        (self.folder / "index").write_text("")
        (self.folder / "serial").write_text("1000\n")
        (self.folder / "crlnumber").write_text("01\n")
        request = ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                   "-keyout", self.folder / "ca.key"]
        if parent is None:
            openssl(*request, "-x509", "-days", "30", "-out", self.file)
        else:
            openssl(*request, "-out", self.folder / "ca.csr")
            (self.folder / "ca.ext").write_text("basicConstraints = critical,CA:TRUE\nkeyUsage = keyCertSign,cRLSign\n")
            parent._ca("-in", self.folder / "ca.csr", "-out", self.file, "-extfile", self.folder / "ca.ext")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder, ignore_errors=True)

    def _ca(self, *arguments):
        return openssl("ca", "-batch", "-notext", "-config", self.folder / "openssl.cnf", *arguments)

    def issue(self, *names, first=-1, last=30, purpose="serverAuth,clientAuth", key="ec"):
        """A certificate for these names and addresses, valid for days from `first` to `last`."""
        self._count += 1
        base = self.folder / f"own-{self._count}"
        names = names or ("localhost", "127.0.0.1")
        kinds = [("IP" if name.replace(".", "").isdigit() or ":" in name else "DNS") + ":" + name for name in names]
        base.with_suffix(".ext").write_text(f"subjectAltName = {','.join(kinds)}\nextendedKeyUsage = {purpose}\n"
                                            "basicConstraints = CA:FALSE\n")
        made = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"] if key == "ec" else [key]
        openssl("req", "-new", "-newkey", *made, "-nodes", "-subj", f"/CN={names[0]}",
                "-keyout", base.with_suffix(".key"), "-out", base.with_suffix(".csr"))
        self._ca("-in", base.with_suffix(".csr"), "-out", base.with_suffix(".pem"), "-extfile", base.with_suffix(".ext"),
                 "-startdate", stamp(first), "-enddate", stamp(last))
        return Pair(str(base.with_suffix(".pem")), str(base.with_suffix(".key")))

    def revoke(self, pair):
        self._ca("-revoke", pair.certificate)

    def with_revocations(self, first=0, last=30):
        """A file that holds the authority and its revocation list, which is in force for days from `first` to `last`."""
        self._ca("-gencrl", "-crl_lastupdate", stamp(first), "-crl_nextupdate", stamp(last), "-out", self.folder / "list.pem")
        bundle = self.folder / "bundle.pem"
        bundle.write_text(Path(self.file).read_text() + (self.folder / "list.pem").read_text())
        return str(bundle)

    # Contexts of Python's ssl.

    def client(self, own=None, alpn=None, newest=None):
        """What a client needs that believes this authority."""
        context = ssl.create_default_context(cafile=self.file)
        return _finish(context, own, alpn, newest)

    def server(self, own, client_ca=None, alpn=None, newest=None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if client_ca:
            context.load_verify_locations(client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
        return _finish(context, own, alpn, newest)


def _finish(context, own, alpn, newest):
    if own:
        own.load(context)
    if alpn:
        context.set_alpn_protocols(alpn)
    if newest:
        context.maximum_version = newest
    return context
