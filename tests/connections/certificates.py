"""A certificate authority of our own, and certificates for any name."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

BORN = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


@dataclass
class Authority:
    """Who signs."""

    key: ec.EllipticCurvePrivateKey
    name: x509.Name
    pem: bytes


def authority() -> Authority:
    """A fresh authority; `pem` is what its clients must trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = _named("Test authority")
    made = (
        _begun(name, name, key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    return Authority(key, name, made.public_bytes(serialization.Encoding.PEM))


def certificate(issuer: Authority, host: str) -> bytes:
    """Key and certificate of a host, as one PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    names = x509.SubjectAlternativeName([x509.DNSName(host)])
    made = (
        _begun(_named(host), issuer.name, key)
        .add_extension(names, critical=False)
        .sign(issuer.key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return private + made.public_bytes(serialization.Encoding.PEM)


def _named(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _begun(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(BORN)
        .not_valid_after(BORN + dt.timedelta(days=3650))
    )
