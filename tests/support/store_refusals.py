"""What a ClickHouse server answers when it can't do what it is asked to, for a proxy to answer in its place."""

REFUSALS = {241: "MEMORY_LIMIT_EXCEEDED", 242: "TABLE_IS_READ_ONLY", 243: "NOT_ENOUGH_SPACE", 252: "TOO_MANY_PARTS"}


def refusal(code: int) -> bytes:
    """The whole HTTP reply."""
    body = f"Code: {code}. DB::Exception: It can't be done. ({REFUSALS[code]}) (version 26.1.1.1)\n".encode()
    head = (
        "HTTP/1.1 500 Internal Server Error\r\nContent-Type: text/plain; charset=UTF-8\r\nConnection: close\r\n"
        f"X-ClickHouse-Exception-Code: {code}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
