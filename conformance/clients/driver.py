"""Takes a request a line on standard input, answers with a line that says what the client saw."""

import json
import sys


def serve(ask):
    """`ask` is given the request and an outcome to fill."""
    print("ready", flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        seen = {"text": "", "pieces": 0, "finishReason": None, "usage": None, "error": None}
        try:
            ask(request, seen)
        except Exception as error:
            status = getattr(error, "status_code", None)
            seen["error"] = {"name": type(error).__name__, "status": status, "message": str(error)}
        print(json.dumps(seen), flush=True)


def options(request):
    """What every client sends alike."""
    sent = {
        "model": request["model"],
        "messages": [{"role": "user", "content": request.get("content", "Hello there")}],
    }
    if "maxTokens" in request:
        sent["max_tokens"] = request["maxTokens"]
    if request.get("stream"):
        sent["stream"] = True
        sent["stream_options"] = {"include_usage": True}
    return sent


def piece(seen, text):
    if text:
        seen["text"] += text
        seen["pieces"] += 1


def usage(seen, usage):
    if usage is not None:
        seen["usage"] = {"prompt": usage.prompt_tokens, "completion": usage.completion_tokens}


def whole(seen, answer):
    piece(seen, answer.choices[0].message.content)
    seen["finishReason"] = answer.choices[0].finish_reason
    usage(seen, answer.usage)


def chunks(request, seen, stream, close):
    """`close` ends the stream from the caller's side."""
    for chunk in stream:
        usage(seen, getattr(chunk, "usage", None))
        if not chunk.choices:
            continue
        piece(seen, chunk.choices[0].delta.content)
        seen["finishReason"] = chunk.choices[0].finish_reason or seen["finishReason"]
        if "leaveAfter" in request and seen["pieces"] >= request["leaveAfter"]:
            close()
            return
