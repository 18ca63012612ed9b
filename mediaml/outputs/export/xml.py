"""XML elements with text from files and models."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from mediaml.core.text import escape_control


def clean(text: str) -> str:
    """Text without the control characters that XML cannot hold."""
    return escape_control(text)


def add(parent: ET.Element, tag: str, text: str) -> ET.Element:
    """Add an element with a text."""
    element = ET.SubElement(parent, tag)
    element.text = text
    return element
