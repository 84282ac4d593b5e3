"""HTTP as a source: an address is asked again and again; JSON paths, pages, answers that have not changed."""

from __future__ import annotations

import hashlib
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

import httpx
import jmespath

from data.errors import Unavailable, WrongInput, os_words
from data.fetching import Answer, Wish, fetch
from data.formats import documents
from data.formats.parts import Member, RawRows
from data.pack import Feed
from data.pull_rules import HttpPull, Paging
from data.quarantine import MOST_RAW
from data.reading import layout_of, member_rows
from data.source import Cursor, Portion, Site
from data.source_faults import Away, Unreadable, secret
from data.sources.files import format_of, read_as

_SUFFIX = {"application/json": ".json", "application/geo+json": ".geojson", "application/x-ndjson": ".jsonl",
           "application/jsonl": ".jsonl", "text/csv": ".csv", "text/tab-separated-values": ".csv",
           "application/vnd.apache.parquet": ".parquet"}
_TEXTS = (".json", ".geojson", ".jsonl", ".csv")
_BINARY = {".parquet": b"PAR1"}


def open_source(site: Site) -> HttpSource:
    """The address of a feed.

    Raises:
        WrongInput: the environment lacks the token that the feed names.
    """
    rule = site.feed.source.http
    if rule is None:
        raise WrongInput(f"数据源 {site.name} 缺少 http 一块；见 docs/feeds.md")
    return HttpSource(site, rule, secret(rule.token_env))


@dataclass
class _Page:
    """One answer, read. `next`: address or word of what follows where the answer says it."""

    parts: list[RawRows]
    rows: int
    digest: str
    next: str
    read_as: str
    bare_time: str
    cursor: Cursor | None


class HttpSource:
    """One address; connections are made anew for each answer, so that every one is to a judged address."""

    def __init__(self, site: Site, rule: HttpPull, token: str) -> None:
        self._site, self._rule, self._token = site, rule, token
        self._host = httpx.URL(rule.url).host

    def close(self) -> None:
        """Nothing is held open."""

    def portions(self, cursor: Cursor | None) -> Generator[Portion, None, None]:
        """All pages; an answer that has not changed since the last round is one empty portion."""
        paging, before = self._rule.paging, cursor or {}
        url, word, before_page = self._rule.url, str(before.get("word", "")), None
        numbers = _Numbers(paging)
        while True:
            page = self._page(url, numbers.query(word), before)
            if page is None:
                yield Portion()
                return
            if paging is not None and page.next:
                page.cursor = {"word": page.next} if paging.resume else None
            yield from _portions(page)
            if paging is None or numbers.ended(page, before_page, self._host):
                return
            if paging.by == "link":
                url = self._same_host(url, page.next)
            word, before_page = page.next, page

    def _page(self, url: str, query: dict[str, str], before: Cursor) -> _Page | None:
        """One answer; None when it has not changed."""
        rule = self._rule
        address = httpx.URL(url)
        if url == rule.url:
            address = address.copy_merge_params({**{name: str(value) for name, value in rule.query.items()}, **query})
        headers = dict(rule.headers)
        if self._token:
            headers[rule.token_header] = rule.token_prefix + self._token
        if rule.paging is None and before.get("etag"):
            headers["If-None-Match"] = str(before["etag"])
        if rule.paging is None and before.get("modified"):
            headers["If-Modified-Since"] = str(before["modified"])
        ca = self._site.pack.root / rule.ca if rule.ca else None
        answer = fetch(Wish(str(address), headers, rule.timeout, round(rule.max_mb * 1e6), ca), self._site.egress)
        return None if answer.status == 304 else self._read(answer)

    def _read(self, answer: Answer) -> _Page:
        try:
            return self._understood(answer)
        except WrongInput as error:
            raise Unreadable(str(error), answer.body[:MOST_RAW].decode("utf-8", "replace")) from error

    def _understood(self, answer: Answer) -> _Page:
        kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind in ("text/html", "application/xhtml+xml"):
            raise Away(f"{self._host} 回答的是网页（{kind}），不是数据；多半是登录页或出错页，请核对网址与令牌", 0.0,
                       answer.body[:MOST_RAW].decode("utf-8", "replace"))
        suffix = self._suffix(kind, answer.body)
        member = Member(f"{self._host} 的应答{suffix}", answer.body)
        form, value = format_of(member.name, self._feed), None
        if form.name == "json" and self._rule.paging is not None:
            # The next page may be named beside the records: the document is read once for both.
            value, encoding = documents.document(member, self._feed.source.encoding)
            parts = list(documents.records(member, value, encoding, layout_of(self._feed)))
        else:
            parts = list(member_rows(member, self._feed) if suffix in _TEXTS else self._apart(member))
        return _Page(parts, sum(part.read for part in parts), hashlib.sha256(answer.body).hexdigest(),
                     self._next(answer, value), read_as(form, parts[0].encoding if parts else ""), form.bare_time,
                     self._unchanged(answer))

    def _apart(self, member: Member) -> Generator[RawRows, None, None]:
        """Rows of a body that is no plain text: its parsers run in the child, as they do for files."""
        with TemporaryDirectory(prefix="yiping-pull-") as folder:
            path = Path(folder, member.name)
            try:
                path.write_bytes(member.data)
            except OSError as error:
                raise Unavailable(f"临时目录 {folder} 写不了（{os_words(error)}）；请检查空间与权限") from error
            for chunk in self._site.parser.raw(path, self._feed, self._site.clock):
                yield RawRows(chunk.rows, chunk.rejected, chunk.read, encoding=chunk.read_as.partition(" ")[2])

    @property
    def _feed(self) -> Feed:
        return self._site.feed

    def _suffix(self, kind: str, body: bytes) -> str:
        """What the body is: as declared, as its type says, as the address ends, else JSON; magic must agree."""
        declared = self._feed.source.format
        ending = PurePosixPath(httpx.URL(self._rule.url).path).suffix.lower()
        suffix = f".{declared}" if declared else _SUFFIX.get(kind) or (
            ending if ending in (*_TEXTS, *_BINARY, ".tsv", ".ndjson") else ".json")
        magic = _BINARY.get(suffix)
        if magic and not body.startswith(magic):
            raise WrongInput(f"{self._host} 的应答应为 {suffix[1:]}，内容却不是；请核对网址与 format")
        return suffix

    def _next(self, answer: Answer, value: object) -> str:
        paging = self._rule.paging
        if paging is None or paging.by in ("page", "offset"):
            return ""
        if paging.next:
            found = jmespath.search(paging.next, value)
            return "" if found is None or found is False else str(found)
        links = httpx.Response(200, headers={"link": answer.headers.get("link", "")}).links
        return str(links.get("next", {}).get("url", ""))

    def _same_host(self, url: str, following: str) -> str:
        """The next address; the token must not be carried to another host."""
        here, there = httpx.URL(url), httpx.URL(url).join(following)
        if (here.scheme, here.host, here.port) != (there.scheme, there.host, there.port):
            raise Away(f"{self._host} 的下一页指向别的主机 {there.host:.80}，为安全不跟随；请核对来源")
        return str(there)

    def _unchanged(self, answer: Answer) -> Cursor | None:
        """What lets the next round ask only for news; None where the answer gives nothing of the kind."""
        found = {name: answer.headers[header] for name, header in (("etag", "etag"), ("modified", "last-modified"))
                 if answer.headers.get(header)}
        return found if found and self._rule.paging is None else None


class _Numbers:
    """Page numbers and offsets of one round, and when it ends."""

    def __init__(self, paging: Paging | None) -> None:
        self._paging = paging
        self._pages, self._rows, self._full = 0, 0, 0
        self._seen: set[str] = set()

    def query(self, word: str) -> dict[str, str]:
        """The parameters of the next page."""
        paging = self._paging
        if paging is None:
            return {}
        asked = {paging.size_query: str(paging.size)} if paging.size_query else {}
        if paging.by == "page":
            asked[paging.query] = str(paging.first + self._pages)
        elif paging.by == "offset":
            asked[paging.query] = str(self._rows)
        elif paging.by == "cursor" and word:
            asked[paging.query] = word
        return asked

    def ended(self, page: _Page, before: _Page | None, host: str) -> bool:
        """True after the last page.

        A server may give fewer rows than asked for, so a page is the last when it is empty or shorter than the first.
        """
        paging = self._paging
        if paging is None:
            return True
        self._pages, self._rows = self._pages + 1, self._rows + page.rows
        self._full = self._full or page.rows
        if paging.by in ("link", "cursor"):
            over = not page.next or (paging.by == "cursor" and not page.rows)
            if page.next in self._seen and not over:
                raise Away(f"{host} 的下一页又回到已读过的一页；请核对 paging")
            self._seen.add(page.next)
        else:
            over = not page.rows or page.rows < self._full
            if before is not None and before.digest == page.digest and not over:
                if before.rows >= paging.size:
                    same = f"{host} 第 {self._pages} 页与上一页完全相同，来源没有理会参数 {paging.query}"
                    raise Away(f"{same}；请核对 paging")
                over = True
        if not over and self._pages >= paging.most:
            raise Away(f"{host} 的应答超过 {paging.most} 页；请调大 paging 的 most 或 size")
        return over


def _portions(page: _Page) -> Generator[Portion, None, None]:
    last = len(page.parts) - 1
    for number, part in enumerate(page.parts):
        yield Portion(rows=part.rows, bad=part.bad, bare_time=page.bare_time, read_as=page.read_as,
                      cursor=page.cursor if number == last else None)
