using System.Globalization;
using Sluice.Core;

namespace Sluice.Upstreams;

/// <summary>What one kind of engine does beyond the OpenAI API: how it tells what it is and how it is, loads models, goes on
/// with an answer, and stops.</summary>
internal abstract class Dialect(EngineHttp http)
{
    private long _calls;

    public abstract UpstreamKind Kind { get; }

    protected EngineHttp Http => http;

    /// <returns>Null if it does not answer or is not ready.</returns>
    public abstract Task<UpstreamCapabilities?> ProbeAsync(CancellationToken cancel);

    public virtual Task<UpstreamReport?> ReportAsync(CancellationToken cancel) => Task.FromResult<UpstreamReport?>(null);

    public virtual Task<bool> LoadAsync(string model, CancellationToken cancel) => Task.FromResult(false);

    /// <summary>Frees the device without ending the process, so that another engine can use it.</summary>
    /// <returns>False if it cannot.</returns>
    public virtual Task<bool> SleepAsync(CancellationToken cancel) => Task.FromResult(false);

    public virtual Task<int> PromptTokensAsync(UpstreamCall call, CancellationToken cancel) => Task.FromResult(-1);

    /// <summary>The id by which the engine knows a call. Where calls are stopped by id, each has one of its own: a request that
    /// comes back soon after it was evicted must not be stopped in place of its former self.</summary>
    public virtual string IdOf(UpstreamCall call) => call.ExternalId;

    /// <summary>Stops a call whose connection was dropped, where the engine may not have noticed. Does not wait.</summary>
    /// <param name="api">What kind of call.</param>
    /// <param name="id">As <see cref="IdOf"/> gave it.</param>
    public virtual void Abort(UpstreamApi api, string id)
    {
    }

    /// <summary>A place of its own for a call, where the engine has such and can save what is in them; null elsewhere.</summary>
    public virtual LlamaCppPlace? Take(UpstreamCall call) => null;

    /// <summary>It keeps what was computed of an evicted call.</summary>
    public virtual bool Keeps(RequestId request) => false;

    public virtual void Forget(RequestId request)
    {
    }

    /// <summary>Fields of its own.</summary>
    /// <param name="body">To be changed.</param>
    /// <param name="id">As <see cref="IdOf"/> gave it.</param>
    public virtual void Edit(BodyEdits body, string id)
    {
    }

    /// <summary>The priority, smaller first, on the engine's own scale.</summary>
    public virtual string Priority(int priority) => Number(priority);

    /// <returns>False if it cannot go on with a chat.</returns>
    public virtual bool ContinueChat(BodyEdits body, string text) => false;

    /// <returns>False if it cannot go on with this completion.</returns>
    public virtual bool ContinueCompletion(BodyEdits body, string text)
    {
        body.SetIfThere("echo", "false"); // The caller has had it.
        return body.AppendToText("prompt", text);
    }

    /// <summary>An id that no other call had.</summary>
    protected string NewId(UpstreamCall call) => $"{call.ExternalId}.{Interlocked.Increment(ref _calls)}";

    protected static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);

    /// <summary>Models as <c>/v1/models</c> lists them.</summary>
    /// <returns>Null if there is no such list.</returns>
    protected async Task<IReadOnlyList<UpstreamModel>?> ModelsAsync(CancellationToken cancel)
    {
        var answer = (await Http.GetAsync("/v1/models", cancel).ConfigureAwait(false)).Json();
        if (answer is not { } list) return null;
        return
        [
            .. list.Items("data").Where(m => m.Text("id") is not null).Select(m => new UpstreamModel(
                m.Text("id")!, IsLoaded: true, ContextMax: Math.Max(0, (int)m.Whole("max_model_len", 0)))),
        ];
    }

    /// <summary>Asks again and again until something is so.</summary>
    /// <returns>False if it did not come to be so in time.</returns>
    protected async Task<bool> UntilAsync(Func<Task<bool?>> isSo, CancellationToken cancel)
    {
        using var inTime = new CancellationTokenSource(Http.Options.LoadMax, Http.Time);
        while (!inTime.IsCancellationRequested)
        {
            if (await isSo().ConfigureAwait(false) is { } answer) return answer;
            await Task.Delay(Http.PollEvery, Http.Time, cancel).ConfigureAwait(false);
        }

        return false;
    }
}
