namespace Sluice.Upstreams;

/// <summary>Exact prompt lengths from engines that tokenise on demand.</summary>
internal static class Tokenizing
{
    /// <summary><c>POST /tokenize</c> as vLLM and SGLang have it: a prompt or messages in, a count out.</summary>
    public static async Task<int> CountAsync(EngineHttp http, UpstreamCall call, CancellationToken cancel)
    {
        if (call.Api == UpstreamApi.Embeddings) return -1;
        var body = new BodyEdits(call.Body);
        string[] names = call.Api == UpstreamApi.ChatCompletions ? ["messages", "tools"] : ["prompt"];
        var members = names.Where(body.Has).Select(name => $",{BodyEdits.Quote(name)}:{body.Raw(name)}");
        var json = $"{{\"model\":{BodyEdits.Quote(call.Model)}{string.Concat(members)}}}";
        var answer = (await http.PostAsync("/tokenize", json, cancel).ConfigureAwait(false)).Json();
        return (int)(answer?.Whole("count", -1) ?? -1);
    }
}
