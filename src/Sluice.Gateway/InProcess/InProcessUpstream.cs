using System.Collections.Concurrent;
using System.Text.Json;
using Sluice.Core;
using Sluice.Engine;
using Sluice.Upstreams;

namespace Sluice.Gateway;

/// <summary>The engine of this process behind the interface of all engines: model files from a folder or a list, one or
/// several in memory, answers in the shapes of the OpenAI API.</summary>
public sealed class InProcessUpstream : IUpstream
{
    private readonly ModelShelf _shelf;
    private readonly TimeProvider _time;
    private readonly TokenMemory _memory = new();
    private readonly ConcurrentDictionary<RequestId, InProcessAnswer> _running = new();
    private readonly PausedAnswers _paused = new();

    /// <exception cref="InputException">No model is named, or two have one name.</exception>
    public InProcessUpstream(InProcessOptions options, TimeProvider time)
    {
        (Name, _shelf, _time) = (options.Name, new(options, time), time);
    }

    public string Name { get; }

    public UpstreamCapabilities Capabilities => new()
    {
        Kind = UpstreamKind.InProcess,
        Models = _shelf.Models,
        Chat = Continuation.AssistantPrefill,
        Completions = Continuation.Completion,
        Keeping = Keeping.Call,
        HasMetrics = true,
        CanSwap = _shelf.Models.Count > 1,
        HasPriority = true,
        SequencesMax = _shelf.SequencesMax,
    };

    public string? Problem => _shelf.Broken?.Why ?? _shelf.LoadFault;

    /// <summary>How long loads took, by model; empty until one was loaded.</summary>
    public IReadOnlyDictionary<string, TimeSpan> LoadTimes => _shelf.LoadTimes;

    /// <summary>An engine has a model from the first: the one named first. One whose engine broke gets a new engine.</summary>
    public async Task<bool> ProbeAsync(CancellationToken cancel)
    {
        var wanted = _shelf.Broken?.Model ?? (_shelf.Models.Any(m => m.IsLoaded) ? null : _shelf.Models[0].Name);
        if (wanted is not null) await _shelf.LoadAsync(wanted, cancel).ConfigureAwait(false);
        return _shelf.Broken is null && _shelf.Models.Any(m => m.IsLoaded);
    }

    public Task<UpstreamReport?> ReportAsync(CancellationToken cancel) => Task.FromResult(_shelf.Report());

    public Task<bool> LoadAsync(string model, CancellationToken cancel) => _shelf.LoadAsync(model, cancel);

    public async Task<CallOutcome> CallAsync(UpstreamCall call, IAnswerSink sink, CancellationToken cancel)
    {
        if (cancel.IsCancellationRequested) return new(CallEnd.Cancelled, 0, -1, 0, "");
        if (!_shelf.Knows(call.Model))
            return Refused(404, $"{call.Model}: {Name} has no such model.", "model", "model_not_found");
        using var lease = _shelf.TryUse(call.Model);
        if (lease is null) return Busy($"{call.Model} is not loaded in {Name}.");
        try
        {
            if (call.Api == UpstreamApi.Embeddings)
                return await InProcessEmbeddings.RunAsync(call, lease, sink, cancel).ConfigureAwait(false);
            if (call.IsPaused)
            {
                if (_paused.TryTake(call.Id, out var paused) && paused.Engine == lease.Engine)
                    return await FollowAsync(call.Id, paused, () => paused.GoOnAsync(lease, sink, cancel)).ConfigureAwait(false);
                paused?.Abandon();
                return Busy("What was kept of the answer is gone."); // It goes on from its tokens, or begins anew.
            }

            Forget(call.Id);
            var asked = InProcessCall.Read(call, lease.Model, _time.GetLocalNow());
            var answer = new InProcessAnswer(call, asked, this, lease, _time);
            return await FollowAsync(call.Id, answer, () => answer.RunAsync(sink, cancel)).ConfigureAwait(false);
        }
        catch (JsonException e)
        {
            return Refused(400, $"The body is not JSON: {e.Message}");
        }
        catch (InvalidOperationException)
        {
            return Refused(400, "The body holds text that is not valid Unicode.");
        }
        catch (InputException e)
        {
            return Refused(400, e.Message);
        }
    }

    public Task<bool> TryMoveAsync(RequestId request, IUpstream to) =>
        to is InProcessUpstream there && there != this && _running.TryGetValue(request, out var answer)
            ? answer.TryMoveAsync(there)
            : Task.FromResult(false);

    public bool TryEvict(RequestId request) => _running.TryGetValue(request, out var answer) && answer.TryEvict();

    public bool Keeps(RequestId request) => _paused.TryGet(request, out var answer) && _shelf.Runs(answer.Engine);

    public void Forget(RequestId request)
    {
        if (_paused.TryTake(request, out var answer)) answer.Abandon();
    }

    public ValueTask DisposeAsync() => _shelf.DisposeAsync();

    /// <summary>Tokens of answers that were interrupted here.</summary>
    internal TokenMemory Memory => _memory;

    /// <summary>A model that an answer may come to.</summary>
    internal ModelLease? TryUse(string model) => _shelf.TryUse(model);

    /// <summary>An answer runs here from now on, or no longer.</summary>
    internal void Enter(RequestId id, InProcessAnswer answer) => _running[id] = answer;

    internal void Leave(RequestId id, InProcessAnswer answer) => _running.TryRemove(new(id, answer));

    /// <summary>Can be evicted and moved while it runs, and is paused, wherever it is then, if it was evicted.</summary>
    private async Task<CallOutcome> FollowAsync(RequestId id, InProcessAnswer answer, Func<Task<CallOutcome>> run)
    {
        Enter(id, answer);
        try
        {
            var outcome = await run().ConfigureAwait(false);
            if (outcome.End == CallEnd.Evicted) answer.Home._paused.Add(id, answer);
            return outcome;
        }
        finally
        {
            answer.Home.Leave(id, answer);
            answer.Release();
        }
    }

    internal static CallOutcome Busy(string message) =>
        new(CallEnd.Busy, 503, -1, 0, ErrorJson.Write(message, "server_error"), TimeSpan.FromSeconds(1));

    internal static CallOutcome Refused(int status, string message, string? param = null, string? code = null) =>
        new(CallEnd.Refused, status, -1, 0, ErrorJson.Write(message, param: param, code: code));
}
