from openai import OpenAI

from driver import chunks, options, serve, whole


def ask(request, seen):
    settings = {}
    if "retries" in request:
        settings["max_retries"] = request["retries"]
    if "timeoutMs" in request:
        settings["timeout"] = request["timeoutMs"] / 1_000
    with OpenAI(base_url=request["baseURL"], api_key=request["apiKey"], **settings) as client:
        answer = client.chat.completions.create(**options(request))
        if request.get("stream"):
            chunks(request, seen, answer, answer.close)
        else:
            whole(seen, answer)


def embed(request):
    with OpenAI(base_url=request["baseURL"], api_key=request["apiKey"], max_retries=0) as client:
        answer = client.embeddings.create(model=request["model"], input=request["texts"])
        return [each.embedding for each in answer.data]


serve(ask, embed)
