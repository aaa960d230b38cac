"""A hook for mkdocs: adds pages that are not in docs/ to the site, and adjusts links.

Links to files that are not pages of the site, such as rule files, go to the repository.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mkdocs.structure.files import Files

ROOT = Path(__file__).resolve().parents[1]
ELSEWHERE = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security-policy.md",
    "helm/sagemaker-tuning-exporter/README.md": "chart.md",
}
"""The place in the site for pages of the repository."""

_LINK = re.compile(r"(?<=\]\()(?!https?:|#|mailto:)([^)#\s]+)")


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that are not in docs/."""
    from mkdocs.structure.files import File  # noqa: PLC0415 - the tests have no mkdocs

    for source, page in ELSEWHERE.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Return a page's text with links for the site."""
    sources = {there: here for here, there in ELSEWHERE.items()}
    source = sources.get(page.file.src_uri, f"docs/{page.file.src_uri}")
    return linked(markdown, source, {file.src_uri for file in files}, config["repo_url"])


def linked(markdown: str, source: str, pages: set[str], repository: str) -> str:
    """Return the text of a page of the repository with adjusted links: to ``pages`` of the site, or to the repository."""

    def target(match: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), match[1]))
        page = ELSEWHERE.get(path, path.removeprefix("docs/"))
        if page in pages and (path in ELSEWHERE or path.startswith("docs/")):
            return page
        return f"{repository}/blob/main/{path}"

    return _LINK.sub(target, markdown)
