"""The tokens of each answer in a chat file of Gemini CLI. Requests for routing and compaction are not in the file."""

from __future__ import annotations

from typing import Any

from crewkit_hook.transcripts.lines import number
from crewkit_hook.transcripts.reading import Reading, Totals, follow, total_of


class GeminiCliReading(Reading):
    """See `transcripts.reading`. The totals are partial anyway, so a kill changes nothing."""

    def _nothing_read(self) -> dict[str, Any]:
        return {"offset": 0, "answers": {}}  # the answers by id: model and usage; an id's last line counts

    def advance(self, path: str) -> None:
        follow(path, self.kept, "offset", lambda raw: b'"tokens"' in raw, self._take)

    def totals(self) -> Totals:
        return Totals(total_of({model: used} for model, used in self.kept["answers"].values()), is_partial=True)

    def _take(self, line: dict[str, Any]) -> None:
        tokens, model, answer = line.get("tokens"), line.get("model"), line.get("id")
        if isinstance(tokens, dict) and isinstance(model, str) and isinstance(answer, str):
            cached = number(tokens.get("cached"))
            used = {  # Gemini includes cached tokens in input, but not thoughts in output
                "input_tokens": max(0, number(tokens.get("input")) - cached),
                "output_tokens": number(tokens.get("output")) + number(tokens.get("thoughts")),
                "cache_read_tokens": cached,
            }
            self.kept["answers"][answer] = [model, used]
