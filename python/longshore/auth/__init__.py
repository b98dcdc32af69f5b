"""Credentials that other packages look after, for stores of this one.

A provider is an object that a store calls when it needs credentials: at its first request, and again before they expire.

>>> import longshore.auth.boto3
>>> import longshore.auth.google
>>> import longshore.auth.azure

Each module needs the package that it is named after only when a provider is made; importing it costs nothing. A store finds
credentials by itself in most places where these packages do. Providers are for what only they know: a session that a program
has made already, a login of theirs, a broker of a company.
"""

from __future__ import annotations

from longshore.auth._credentials import AzureBearerToken, GCSCredential, S3Credential

__all__ = ["AzureBearerToken", "GCSCredential", "S3Credential"]
