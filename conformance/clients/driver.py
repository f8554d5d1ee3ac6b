"""Takes a request a line on standard input, answers with a line that says what the client saw."""

import json
import sys


def serve(ask, embed):
    """`ask` is given the request and an outcome to fill, `embed` a request with texts; it returns their vectors."""
    print("ready", flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        seen = {"text": "", "pieces": 0, "finishReason": None, "usage": None, "calls": [], "error": None}
        try:
            if "texts" in request:
                seen["vectors"] = embed(request)
            else:
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
    if "headers" in request:
        sent["extra_headers"] = request["headers"]
    if "tool" in request:
        sent["tools"] = [{"type": "function", "function": request["tool"]}]
        sent["tool_choice"] = "required"
    if "schema" in request:
        schema = {"name": "answer", "schema": request["schema"]}
        sent["response_format"] = {"type": "json_schema", "json_schema": schema}
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


def call(seen, name, arguments):
    seen["calls"].append({"name": name, "input": json.loads(arguments)})


def whole(seen, answer):
    message = answer.choices[0].message
    piece(seen, message.content)
    for each in message.tool_calls or []:
        call(seen, each.function.name, each.function.arguments)
    seen["finishReason"] = answer.choices[0].finish_reason
    usage(seen, answer.usage)


def chunks(request, seen, stream, close):
    """`close` ends the stream from the caller's side."""
    names, inputs = {}, {}
    for chunk in stream:
        usage(seen, getattr(chunk, "usage", None))
        if not chunk.choices:
            continue
        delta = chunk.choices[0].delta
        piece(seen, delta.content)
        for each in delta.tool_calls or []:
            names[each.index] = each.function.name or names[each.index]
            inputs[each.index] = inputs.get(each.index, "") + (each.function.arguments or "")
        seen["finishReason"] = chunk.choices[0].finish_reason or seen["finishReason"]
        if "leaveAfter" in request and seen["pieces"] >= request["leaveAfter"]:
            close()
            return
    for index, name in names.items():
        call(seen, name, inputs[index])
