import os

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

import litellm

from driver import chunks, options, serve, whole

litellm.suppress_debug_info = True
litellm.telemetry = False


def ask(request, seen):
    settings = {"api_base": request["baseURL"], "api_key": request["apiKey"]}
    if "retries" in request:
        settings["max_retries"] = request["retries"]
    if "timeoutMs" in request:
        settings["timeout"] = request["timeoutMs"] / 1_000
    sent = options(request)
    answer = litellm.completion(**{**sent, "model": "openai/" + sent["model"]}, **settings)
    if request.get("stream"):
        chunks(request, seen, answer, lambda: answer.completion_stream.close())
    else:
        whole(seen, answer)


def embed(request):
    settings = {"api_base": request["baseURL"], "api_key": request["apiKey"], "max_retries": 0}
    # Left to itself it asks for no encoding by the name of null, which is none.
    answer = litellm.embedding(model="openai/" + request["model"], input=request["texts"], **settings)
    return [each["embedding"] for each in answer.data]


serve(ask, embed)
